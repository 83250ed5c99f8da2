import type { Site } from '../config.ts'
import { messageOf } from '../errors.ts'
import type { Log, ReleaseId } from '../model.ts'
import { gathered, type Pipe, type RunWidening, widen } from '../system/pipes.ts'
import type { Reading } from '../system/reading.ts'
import { lastWordsIn, openTail } from './last-words.ts'
import { openCutter } from './lines.ts'

/** What one run of the program says, on its way to the log. */
export type Output = {
  /**
   * Resolves when all output is logged. To be called when nobody is left: what is in the pipes now is all that
   * they said. Whoever else still holds them open is cut off.
   */
  readonly drained: () => Promise<void>
  /** What it said last on stderr, in one line, once all of it is read; null: nothing. */
  readonly lastWords: () => Promise<string | null>
}

/** One of the two: what is read, and the pipe that it comes from. Null: a socket of Node's. */
export type Source = Pick<Reading, 'into' | 'rest'> & { readonly pipe: Pipe | null }

/** Carries what a run says to the log, from now on. `run` is how a pipe is widened. */
export function carryOutput(
  sources: { readonly out: Source; readonly err: Source },
  run: RunWidening,
  release: ReleaseId,
  site: Site,
  log: Log,
): Output {
  const { paths, config } = site
  const tail = openTail()

  /** Logs a pipe in whole lines. While the log has no room it does not read, and the program waits. */
  async function pump(name: 'out' | 'err'): Promise<void> {
    const { into, pipe } = sources[name]
    const cutter = openCutter(config.log.maxLineBytes)
    const say = (bytes: Buffer) => {
      if (name === 'err') tail.add(bytes)
      log.output(release, { stream: name, bytes })
    }
    const widenIt = async () => pipe !== null && widen(pipe, run)
    function sayAll(pieces: readonly Buffer[]): Promise<unknown> | null {
      for (const [at, bytes] of pieces.entries()) {
        // Before each, and once more after a wait: others wait for the same room.
        const wait = log.room()
        if (wait !== null) return wait.then(() => sayAll(pieces.slice(at)))
        say(bytes)
      }
      return log.room()
    }
    const large = gathered((chunk) => sayAll(cutter.add(chunk)), config.log.readMs, widenIt)
    try {
      // Also when it breaks off: these are the last words of a program.
      await into(large).finally(() => sayAll(cutter.end()))
    } catch (error) {
      log.warn(messageOf(error))
    }
  }

  const over = Promise.all([pump('out'), pump('err')])
  return {
    async lastWords() {
      await over
      return lastWordsIn(tail.text(), paths.main)
    },
    async drained() {
      await Promise.all([sources.out.rest(), sources.err.rest()])
      await over
    },
  }
}
