import { closeSync, openSync, readSync, watch } from 'node:fs'
import { now } from './now.ts'

/**
 * What a program said of itself. `start`: its first statement; `ready`: all is imported; `broken`: an
 * import failed; `end`: it was told to stop, its last statement.
 */
export type Report = {
  readonly what: 'start' | 'ready' | 'broken' | 'end'
  readonly pid: number
  /** When, on the clock of `now`. */
  readonly at: number
  /** The versions of all modules it has seen; more than one: a mixture. -1: a module cut off. */
  readonly versions: readonly number[]
}

/** The reports of the programs of one place, as they come. */
export type Reports = {
  /** All so far, by the time at which they were made. */
  readonly all: () => readonly Report[]
  /** Resolves with true when `isSo` holds for all so far, with false after `ms`. */
  readonly until: (isSo: (all: readonly Report[]) => boolean, ms: number) => Promise<boolean>
  /** Resolves when nothing has been reported for `ms`. */
  readonly quiet: (ms: number) => Promise<void>
  readonly close: () => void
}

/** Follows the file at `path`, which programs append to; it is made when it is not there. */
export function followReports(path: string): Reports {
  const file = openSync(path, 'a+')
  const all: Report[] = []
  const looks = new Set<() => void>()
  let text = ''
  let lastAt = now()

  function readOn(): void {
    const chunk = Buffer.alloc(65_536)
    for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) {
      text += chunk.toString('latin1', 0, size)
      lastAt = now()
    }
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    all.push(...lines.map(parse))
    // Two starts may write in another order than they spoke.
    all.sort((a, b) => a.at - b.at)
    for (const look of looks) look()
  }

  const watcher = watch(path, readOn)
  return {
    all: () => all,
    until(isSo, ms) {
      return new Promise((resolve) => {
        const finish = (answer: boolean) => {
          clearTimeout(timer)
          looks.delete(look)
          resolve(answer)
        }
        const look = () => isSo(all) && finish(true)
        const timer = setTimeout(() => {
          readOn()
          finish(isSo(all))
        }, ms)
        looks.add(look)
        readOn()
      })
    },
    async quiet(ms) {
      for (let left = ms; left > 0; left = lastAt + ms - now()) {
        await new Promise((resolve) => setTimeout(resolve, left))
        readOn()
      }
    },
    close() {
      watcher.close()
      closeSync(file)
    },
  }
}

function parse(line: string): Report {
  const [what = '', pid = '', at = '', versions = ''] = line.split(' ')
  return {
    what: what as Report['what'],
    pid: Number(pid),
    at: Number(at) / 1e6,
    versions: versions.split(',').map(Number),
  }
}
