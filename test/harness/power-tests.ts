import { once } from 'node:events'
import { after, type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { scenariosOf } from './power-cuts.ts'
import type { Answer, Job } from './power-worker.ts'

/**
 * A thread of its own for all tests of a file. The test runner follows every promise of the thread it
 * is in, and these tests make millions: there they take a third longer.
 */
const worker = new Worker(new URL('./power-worker.js', import.meta.url))
after(async () => {
  worker.postMessage({ do: 'end' } satisfies Job)
  await once(worker, 'exit')
})

async function carryOut(t: TestContext, job: Job): Promise<void> {
  worker.postMessage(job)
  const [answer] = (await once(worker, 'message')) as [Answer]
  if (answer.is === 'failed') throw new Error(answer.text)
  if (answer.is === 'skipped') t.skip(answer.text)
  else if (answer.text !== '') t.diagnostic(answer.text)
}

/** Cuts the power at every step of each of these scenarios. */
export function testPowerCuts(which: 'python' | 'packages' | 'others'): void {
  for (const scenario of scenariosOf(which)) {
    test(`power cut at every step: ${scenario}`, (t) => {
      return carryOut(t, { do: 'cut the power', scenario })
    })
  }
}

/** Fills the disk for one moment, at every step of each scenario. */
export function testFullDisks(): void {
  for (const scenario of scenariosOf('all')) {
    test(`a full disk at every step: ${scenario}`, (t) => {
      return carryOut(t, { do: 'fill the disk', scenario })
    })
  }
}

/** A newcomer must not be put on top of a release whose trial is over. */
export function testDecidedTrial(): void {
  test('a release does not end a trial whose verdict is there', (t) => {
    return carryOut(t, { do: 'decide a trial' })
  })
}
