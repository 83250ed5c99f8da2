import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type First, whileItGoesOn, withDeadline } from '../../src/system/clock.ts'
import { areForgotten, collectGarbage } from '../harness/garbage.ts'

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
}

test('a deadline outlives a garbage collection', async () => {
  const never = new AbortController()
  const waiting = aborted(withDeadline(300, never.signal).signal)
  for (let round = 0; round < 5; round += 1) {
    await sleep(10)
    collectGarbage()
  }
  assert.equal(await Promise.race([waiting, sleep(10_000, 'forgotten', { ref: false })]), 'aborted')
})

test('a signal comes before the deadline, and a cleared deadline never comes', async () => {
  const first = new AbortController()
  const { signal, clear } = withDeadline(100_000, first.signal)
  const waiting = aborted(signal)
  first.abort()
  assert.equal(await waiting, 'aborted')
  // Else its timer would keep this process alive.
  clear()
})

test('nothing of a cleared deadline stays with a signal that lives long', async () => {
  const { signal } = new AbortController()
  function clearOne(): object {
    const deadline = withDeadline(100_000, signal)
    deadline.clear()
    return deadline.signal
  }
  assert.equal(await areForgotten(clearOne), true)
  assert.equal(signal.aborted, false)
})

test('what goes on is waited for, however long; late is what takes no step for that time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let steps = 0
  let first: First<never> | null = null
  const endless = new Promise<never>(() => undefined)
  const waiting = whileItGoesOn(endless, new AbortController().signal, 1_000, () => steps)
  const told = waiting.then((came) => {
    first = came
  })
  const pass = async () => {
    t.mock.timers.tick(1_000)
    await new Promise(setImmediate)
  }
  for (steps = 1; steps <= 5; steps += 1) {
    await pass()
    assert.equal(first, null)
  }
  await pass()
  assert.equal(first, null, 'the last step was within this second')
  t.mock.timers.tick(1_000)
  await told
  assert.deepEqual(first, { is: 'late' })
})
