import type { LastRun } from './last-run.ts'

/** What the next look of a schedule depends on. Moments are by the wall clock, in ms since 1970. */
export type Facts = {
  readonly now: number
  /** How long the clock has been waited for, in ms; null: it is trusted. */
  readonly untrustedFor: number | null
  /** After this time it is taken as it is, if it is possible. */
  readonly clockWaitMs: number
  /** No clock that is right can be before this. */
  readonly builtAt: number
  /** The last run of this schedule, if there was one. */
  readonly last: Pick<LastRun, 'at' | 'found'> | null
}

/**
 * When a schedule has the remote looked at next. `due`: now, after the random delay. `begins`: there is no run
 * that counts; the schedule begins now. `clock`: nothing is decided by a clock that may be wrong.
 */
export type NextRun =
  | { readonly is: 'due'; readonly due: number }
  | { readonly is: 'later'; readonly due: number }
  | { readonly is: 'begins' | 'clock' | 'never' }

/** A last run that is further ahead was noted by a clock that was wrong: longer than any shift of zones or DST. */
const aheadMs = 25 * 3_600_000

/**
 * Decides. However many runs were missed, one makes up for them; a run in which the remote did not answer is
 * missed too. `dueAfter` is the schedule.
 */
export function nextRun(facts: Facts, dueAfter: (moment: number) => number | null): NextRun {
  const { now, last, untrustedFor } = facts
  const isPossible = now >= Math.max(facts.builtAt, last?.at ?? 0)
  if (untrustedFor !== null && (untrustedFor < facts.clockWaitMs || !isPossible)) {
    return { is: 'clock' }
  }
  if (last === null || last.at > now + aheadMs) return { is: 'begins' }
  const due = last.found === 'failed' ? last.at : dueAfter(last.at)
  if (due === null) return { is: 'never' }
  return { is: due <= now ? 'due' : 'later', due }
}
