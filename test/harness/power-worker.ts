import { parentPort } from 'node:worker_threads'
import { cutPower, decideTrial, fillDisk, openPowerCuts, type Told } from './power-cuts.ts'

/** What the thread is asked to do; `scenario` is a name. */
export type Job =
  | { readonly do: 'cut the power' | 'fill the disk'; readonly scenario: string }
  | { readonly do: 'decide a trial' | 'end' }

/** Its answer: what came of it, or the stack of what went wrong. */
export type Answer = Told | { readonly is: 'failed'; readonly text: string }

const close = openPowerCuts()

async function work(job: Job): Promise<Told> {
  const end = await close
  switch (job.do) {
    case 'cut the power':
      return cutPower(job.scenario)
    case 'fill the disk':
      return fillDisk(job.scenario)
    case 'decide a trial':
      return decideTrial()
    case 'end':
      await end()
      parentPort?.close()
      return { is: 'done', text: '' }
  }
}

parentPort?.on('message', async (job: Job) => {
  const answer: Answer = await work(job).catch((error: unknown) => ({
    is: 'failed',
    text: error instanceof Error ? `${error.stack}\n${error.cause ?? ''}` : String(error),
  }))
  parentPort?.postMessage(answer)
})
