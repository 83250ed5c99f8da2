import type { Config } from '../config.ts'
import type { Exit } from '../model.ts'

/** What is remembered of a program's deaths. Times are milliseconds on the monotonic clock. */
export type Deaths = {
  /** When the last crashes were, oldest first; those out of the window are dropped. */
  readonly at: readonly number[]
  /** How many deaths there were in a row, without a healthy stretch between. */
  readonly inARow: number
  /** There were too many in a short time, and no healthy stretch since. */
  readonly tooMany: boolean
}

/** How a program begins that is wanted anew: earlier crashes are forgotten. */
export const noDeaths: Deaths = { at: [], inARow: 0, tooMany: false }

/** What to do when the program has ended by itself. */
export type Next =
  | { readonly do: 'rest' }
  | { readonly do: 'retry'; readonly state: 'BACKOFF' | 'FATAL'; readonly waitMs: number }

/** True for the end of a job that went well. */
export function isWell(exit: Exit): boolean {
  return exit.is === 'code' && exit.code === 0
}

/** Counts one more death at `now` of a run that lasted `upMs`. A good end is none that makes it FATAL. */
export function count(
  before: Deaths,
  exit: Exit,
  now: number,
  upMs: number,
  limits: Config['program'],
): Deaths {
  const wasHealthy = upMs >= limits.healthyMs
  const recent = before.at.filter((at) => now - at < limits.crashWindowMs)
  const at = [...recent, ...(isWell(exit) ? [] : [now])].slice(-limits.crashLimit)
  return {
    at,
    inARow: wasHealthy ? 1 : before.inARow + 1,
    // A FATAL program's next try may be long after the window: one more crash is enough then.
    tooMany: !isWell(exit) && (at.length >= limits.crashLimit || (before.tooMany && !wasHealthy)),
  }
}

/**
 * Exit 0 is the end of the job, unless it is to run always. Any other is a crash: wait a little longer
 * each time, and after too many in a short time wait long. `random` is between 0 and 1.
 */
export function afterExit(
  exit: Exit,
  deaths: Deaths,
  limits: Config['program'],
  random: number,
): Next {
  const { restart } = limits
  if (restart === 'never' || (restart === 'on-failure' && isWell(exit))) return { do: 'rest' }
  if (deaths.tooMany) {
    return { do: 'retry', state: 'FATAL', waitMs: limits.fatalRetryMs }
  }
  const doubled = limits.backoffMs * 2 ** Math.min(deaths.inARow - 1, 30)
  const jitter = 1 + limits.backoffJitter * (2 * random - 1)
  return {
    do: 'retry',
    state: 'BACKOFF',
    waitMs: Math.round(Math.min(doubled, limits.backoffMaxMs) * jitter),
  }
}
