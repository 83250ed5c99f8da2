import type { Site } from '../config.ts'
import { openSessionLog, type SessionLog } from '../log/session.ts'
import type { Clock } from '../model.ts'

/** The log of this session; `watch` gives it what runs, with which each of its files begins. */
export type Session = {
  readonly log: SessionLog
  readonly watch: (runs: () => string) => void
}

/**
 * Opens the log of this session. Its files begin with `hello` and what runs; that is `atFirst` at first. `isQuiet`:
 * nothing is said on the console.
 */
export function openSession(
  site: Site,
  clock: Clock,
  isQuiet: boolean,
  hello: string,
  atFirst: string,
): Session {
  let runs = () => atFirst
  const log = openSessionLog(site, clock, isQuiet, () => `${hello}\n${runs()}`.trimEnd())
  return {
    log,
    watch(next) {
      runs = next
    },
  }
}
