import type { Config } from '../config.ts'
import type { Clock } from '../model.ts'
import { nextLookAt, type Plan } from '../source/git/turns.ts'
import { timeAgo } from '../system/clock.ts'
import type { Look } from './look.ts'
import type { Failed } from './records.ts'

/** How it stands with the versions of ota-supervisor itself. Moments are on the clock that never jumps. */
export type SelfState = {
  readonly version: string
  /** True when versions can be exchanged here. */
  readonly isManaged: boolean
  /** What the last look came to, and when; null before the first. */
  readonly last: {
    readonly is: Look['is']
    /** The version that it was about; null: none. */
    readonly newest: string | null
    readonly text: string
    readonly at: number
  } | null
  /** This version is on trial since then. */
  readonly trial: { readonly previous: string; readonly since: number } | null
  /** The last version that did not pass. */
  readonly failed: Failed | null
  readonly plan: Plan
}

/** The same for programs. Times are ISO 8601 by the wall clock. */
export type SelfStatus = {
  readonly mode: Config['selfUpdate']['mode']
  readonly version: string
  /** The newest version that is known of; null: it has not been looked. */
  readonly newest: string | null
  /** The newest can be installed: `self-update` does it, or it happens by itself. */
  readonly isNewer: boolean
  readonly lookedAt: string | null
  readonly nextAt: string | null
  /** Since when this version is on trial; null: it is kept. */
  readonly onTrialSince: string | null
  /** The version to go back to, while this one is on trial. */
  readonly previous: string | null
  /** What keeps the newest from coming, or the last failure of looking. */
  readonly waitingFor: string | null
  /** The last version that did not pass. */
  readonly lastFailed: Failed | null
}

/** Makes it; null where there is nothing to tell. */
export function selfStatus(
  { version, last, trial, failed, plan }: SelfState,
  { mode }: Config['selfUpdate'],
  clock: Clock,
): SelfStatus | null {
  if (mode === 'off' && last === null && trial === null && failed === null) return null
  const isTrouble = last?.is === 'waits' || last?.is === 'failed'
  return {
    mode,
    version,
    newest: last?.newest ?? null,
    isNewer: last?.is === 'found',
    lookedAt: last && timeAgo(last.at, clock),
    nextAt: mode === 'off' ? null : nextLookAt(plan, clock),
    onTrialSince: trial && timeAgo(trial.since, clock),
    previous: trial?.previous ?? null,
    waitingFor: isTrouble ? last.text : null,
    lastFailed: failed,
  }
}
