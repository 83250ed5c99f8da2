import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { Writers } from '../model.ts'
import { type Ahead, openAhead } from '../python/check.ts'
import { findInterpreter, type Interpreter } from '../python/interpreter.ts'
import { openWriters } from '../python/writers.ts'

/** What all projects of a daemon ask Python for: one process serves them all, where one can. */
export type Interpreters = {
  /** The Python that the settings of a project (its folder absolute) name. Asked once for each. */
  readonly find: (wanted: string, project: string) => Promise<Interpreter>
  /** Who knows who is writing. Closing it is left to `close`. */
  readonly writers: (python: Interpreter, limits: Config['deposit']) => Writers
  readonly ahead: Ahead
  /** Ends all of them. */
  readonly close: () => Promise<void>
}

/** Opens them; nothing is started before it is asked for. `checkMs`: how long a checker waits to be asked. */
export function openInterpreters(checkMs: number): Interpreters {
  const found = new Map<string, Promise<Interpreter>>()
  const writers = new Map<string, Writers>()
  const ahead = openAhead(checkMs)
  return {
    find(wanted, project) {
      const key = wanted.includes('/') ? resolve(project, wanted) : wanted
      const known = found.get(key) ?? findInterpreter(wanted, project)
      found.set(key, known)
      // One that is not there may be there when it is asked for again.
      known.catch(() => found.delete(key))
      return known
    },
    writers(python, { askMs, helperRestMs }) {
      const key = [python.path, askMs, helperRestMs].join(' ')
      const known = writers.get(key) ?? openWriters(python, askMs, helperRestMs)
      writers.set(key, known)
      return known
    },
    ahead,
    async close() {
      ahead.close()
      await Promise.all([...writers.values()].map((one) => one.close()))
    },
  }
}
