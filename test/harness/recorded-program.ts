import type { Exit, ProgramState } from '../../src/model.ts'
import { notStarted, type Program } from '../../src/program/life.ts'
import { disk } from '../../src/system/disk.ts'

/** What a start and a stop of the program did, where a test wants to know or to meddle. */
export type Moments = {
  /** Called at a start. The answer is how the run goes: it stays up, or ends with exit code 1. */
  readonly started: () => 'up' | 'crashed'
  /** Called when it is to be stopped, the last moment in which it can change its files. */
  readonly stopping: () => void
}

/**
 * A program without a process, for tests whose subject is the disk. Like the real one it does not
 * start without its entry, and it is an error to start a second one.
 */
export function recordedProgram(entry: string, moments: Moments): Program {
  let state: ProgramState = { is: 'STOPPED', why: 'not started yet' }
  return {
    state: () => state,
    reading: () => ({ ...notStarted, state }),
    async start(_release, cause) {
      if (state.is === 'RUNNING') throw new Error('a second program was started')
      if (disk.kind(entry) === null) {
        state = { is: 'STOPPED', why: 'no main.py' }
        return null
      }
      state = { is: 'RUNNING', pid: 1, cause }
      const proven = async () => undefined
      const lastWords = async () => null
      if (moments.started() === 'up')
        return { exit: new Promise<Exit>(() => undefined), proven, lastWords }
      const last: Exit = { is: 'code', code: 1 }
      return { exit: Promise.resolve(last), proven, lastWords }
    },
    async stop(cause) {
      if (state.is === 'RUNNING') moments.stopping()
      state = { is: 'STOPPED', why: cause }
    },
  }
}
