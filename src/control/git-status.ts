import type { Site } from '../config.ts'
import type { Clock } from '../model.ts'
import { withoutPassword } from '../phrases.ts'
import type { GitSource } from '../source/git/git.ts'
import type { LastRun } from '../source/git/last-run.ts'
import { type Look, lookText } from '../source/git/look.ts'
import { nextLookAt, type Plan } from '../source/git/turns.ts'
import { timeAgo } from '../system/clock.ts'
import { gitWords } from '../words-git.ts'

/** Main as a checkout of git. */
export type GitStatus = {
  /** The remote, without a password. */
  readonly remote: string
  /** What of it is followed, as the settings have it; null: what the checkout itself follows. */
  readonly follows: string | null
  readonly isLooking: boolean
  /** When it was last looked at; null before the first time. */
  readonly lookedAt: string | null
  /** When it will be looked at again; null while that is not known. A schedule's random delay comes on top. */
  readonly nextAt: string | null
  /** The schedule, if it is looked at by one. */
  readonly schedule: ScheduleStatus | null
  /** What the last look found: `current`, `found`, `waits` or `failed`. */
  readonly found: Look['is'] | null
  /** What it waits for, or the remote's last failure. */
  readonly waitingFor: string | null
  /** The same to people, whatever was found. */
  readonly text: string | null
}

/** The schedule by which the remote is looked at. */
export type ScheduleStatus = {
  /** As the settings have it: `0 2 * * *`. */
  readonly expression: string
  /** Its last run, of an earlier daemon too; null before the first. */
  readonly lastRun: {
    readonly at: string
    readonly found: Look['is']
    readonly text: string
  } | null
  /** What it waits for before the next run can be told: the clock. */
  readonly waitingFor: string | null
}

/** How the checkout of a project stands; null where git is not used. */
export function gitOf({ config }: Site, git: GitSource, clock: Clock): GitStatus | null {
  const { remote, branch, tag, schedule } = config.git
  if (remote === '') return null
  const { isLooking, last, plan, lastRun } = git.state()
  const isTrouble = last?.look.is === 'waits' || last?.look.is === 'failed'
  return {
    remote: withoutPassword(remote),
    follows: tag || branch || null,
    isLooking,
    lookedAt: last && timeAgo(last.at, clock),
    nextAt: nextLookAt(plan, clock),
    schedule: schedule === '' ? null : scheduleOf(schedule, plan, lastRun),
    found: last?.look.is ?? null,
    waitingFor: isTrouble ? lookText(last.look) : null,
    text: last && lookText(last.look),
  }
}

function scheduleOf(expression: string, plan: Plan, last: LastRun | null): ScheduleStatus {
  const { at = 0, found = null, text = null } = last ?? {}
  const isRun = found !== null && text !== null
  return {
    expression,
    lastRun: isRun ? { at: new Date(at).toISOString(), found, text } : null,
    waitingFor: plan.is === 'clock' ? gitWords.clockWaits : null,
  }
}
