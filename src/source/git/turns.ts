import type { Site } from '../../config.ts'
import { isExpected, messageOf } from '../../errors.ts'
import type { Clock, Log } from '../../model.ts'
import { timeAgo } from '../../system/clock.ts'
import { gitWords } from '../../words-git.ts'
import { keepLastRun, type LastRun, readLastRun } from './last-run.ts'
import type { Look } from './look.ts'
import { type NextRun, nextRun } from './schedule.ts'

/** When the remote is looked at without being asked for: every so often, or by a schedule. */
export type Turns = {
  /** How long to wait before asking again, in ms; 0 or less: it is time to look. */
  readonly wait: () => Promise<number>
  /** Takes note of a look. One that somebody asked for changes nothing about a schedule. */
  readonly looked: (found: Found, isAsked: boolean) => Promise<void>
  /** Takes note that the commit that was found is in a staging folder. */
  readonly taken: () => Promise<void>
  /** Takes note that what was found could not go on, and is to be looked for again. */
  readonly postponed: (found: Found) => Promise<void>
  /** Begins anew: the settings have changed. */
  readonly wake: () => void
  readonly state: () => TurnState
}

/** What a look has found, and that for people. */
export type Found = { readonly is: Look['is']; readonly text: string }

/** How the turns stand, for who asks. */
export type TurnState = {
  readonly plan: Plan
  /** The last run of the schedule, if there is one. */
  readonly lastRun: LastRun | null
}

/**
 * When the next look is. `set`: at a moment on the clock that never jumps. `calendar`: at one of the wall clock.
 * `clock`: not before that is right. `open`: it is about to be decided. `due` is by the wall clock, in ms since
 * 1970; 0: the look is no run of a schedule.
 */
export type Plan =
  | { readonly is: 'set'; readonly at: number; readonly due: number }
  | { readonly is: 'calendar'; readonly due: number }
  | { readonly is: 'open' | 'clock' | 'never' }

/** When the next look is, ISO 8601; null while that is not known. A random delay that is not drawn yet comes on top. */
export function nextLookAt(plan: Plan, clock: Clock): string | null {
  if (plan.is === 'set') return timeAgo(Math.max(plan.at, clock.now()), clock)
  return plan.is === 'calendar' ? new Date(plan.due).toISOString() : null
}

/** What turns learn from outside their room. */
export type Outside = {
  /** True when something tells that the wall clock is right. */
  readonly isSynchronised: () => Promise<boolean>
  /** The wall clock cannot be before this, in ms since 1970. */
  readonly builtAt: number
  /** From 0 to 1. */
  readonly random: () => number
}

/** The wall clock may jump, and the machine may sleep: a schedule is looked at this often, in ms. */
const tickMs = 30_000

/** A wait that is over at once, in ms: the plan is to be made, or made anew. */
const soonMs = 1

/** What turns go by: the settings, and where their last run is kept. */
export type Timed = {
  readonly config: { readonly git: TurnSettings }
  readonly paths: Pick<Site['paths'], 'own' | 'lastRun'>
  readonly disk: Site['disk']
}

type TurnSettings = Pick<
  Site['config']['git'],
  | 'everyMs'
  | 'schedule'
  | 'randomDelayMs'
  | 'randomDelayMinMs'
  | 'clockWaitMs'
  | 'retryMs'
  | 'retryMaxMs'
>

/** Opens the turns. The first look is at once, unless there is a schedule. */
export function openTurns(site: Timed, outside: Outside, log: Log, clock: Clock): Turns {
  /** A clock that was right once is not asked again. */
  let untrustedSince: number | null = clock.now()
  let plan = beginning()
  let failures = 0
  let last: LastRun | null | 'unread' = 'unread'

  function beginning(): Plan {
    return isScheduled() ? { is: 'open' } : { is: 'set', at: clock.now(), due: 0 }
  }

  function isScheduled(): boolean {
    return site.config.git.schedule !== ''
  }

  async function decide(): Promise<Plan> {
    const { schedule, clockWaitMs } = site.config.git
    const { dueAfter } = await import('../../config-schedule.ts')
    if (last === 'unread') last = await readLastRun(site)
    if (last?.schedule !== schedule) last = null
    const untrustedFor = await askClock()
    const now = clock.wall().getTime()
    const facts = { now, last, untrustedFor, clockWaitMs, builtAt: outside.builtAt }
    const next = nextRun(facts, (moment) => dueAfter(schedule, moment))
    if (next.is !== 'clock' && untrustedFor !== null) {
      log.warn(gitWords.clockTaken(clockWaitMs))
      untrustedSince = null
    }
    return planFor(next, now)
  }

  async function planFor(next: NextRun, now: number): Promise<Plan> {
    switch (next.is) {
      case 'due':
        return { is: 'set', at: clock.now() + delay(), due: next.due }
      case 'later':
        return { is: 'calendar', due: next.due }
      case 'begins':
        await keep({ schedule: site.config.git.schedule, at: now, found: null, text: null })
        return { is: 'open' }
      case 'clock':
        if (plan.is !== 'clock') log.info(gitWords.clockWaits)
        return { is: 'clock' }
      case 'never':
        return { is: 'never' }
    }
  }

  /** How long the clock has been waited for, in ms; null: it is trusted. */
  async function askClock(): Promise<number | null> {
    const since = untrustedSince
    if (since === null) return null
    const isRight = site.config.git.clockWaitMs === 0 || (await outside.isSynchronised())
    if (!isRight) return clock.now() - since
    untrustedSince = null
    return null
  }

  function untilPlanned(): number {
    switch (plan.is) {
      case 'set':
        return plan.at - clock.now()
      case 'calendar':
        // It is never time to look before the delay is over.
        return Math.max(soonMs, plan.due - clock.wall().getTime())
      case 'open':
        return soonMs
      default:
        return tickMs
    }
  }

  /** Drawn anew each time: many boxes with the same schedule do not come all at once. */
  function delay(): number {
    const { randomDelayMs: most, randomDelayMinMs } = site.config.git
    const least = Math.min(randomDelayMinMs, most)
    return least + outside.random() * (most - least)
  }

  function retryMs(): number {
    const { retryMs: first, retryMaxMs } = site.config.git
    return Math.min(first * 2 ** (failures - 1), retryMaxMs)
  }

  async function keep(run: LastRun): Promise<void> {
    last = run
    try {
      await keepLastRun(run, site)
    } catch (error) {
      if (!isExpected(error)) throw error
      log.warn(gitWords.runNotKept(messageOf(error)))
    }
  }

  /** The run that a look makes. A clock that was put back in the meantime must not make it fall due again. */
  function runOf(found: Found): LastRun {
    const { schedule } = site.config.git
    const due = plan.is === 'set' ? plan.due : 0
    const at = Math.max(clock.wall().getTime(), due)
    return { schedule, at, found: found.is, text: found.text }
  }

  return {
    async wait() {
      if (!isScheduled()) return plan.is === 'set' ? plan.at - clock.now() : 0
      if (plan.is !== 'set') {
        const before = plan
        const decided = await decide()
        // The settings may have changed in the meantime.
        if (plan !== before) return soonMs
        plan = decided
      }
      return Math.min(tickMs, untilPlanned())
    },
    async looked(found, isAsked) {
      if (isScheduled() && isAsked) return
      failures = found.is === 'failed' ? failures + 1 : 0
      const run = runOf(found)
      if (failures > 0) plan = { is: 'set', at: clock.now() + retryMs(), due: run.at }
      else if (isScheduled()) plan = { is: 'open' }
      else plan = { is: 'set', at: clock.now() + site.config.git.everyMs, due: 0 }
      if (!isScheduled()) return
      // Until the commit is in its staging folder the run is not done: a daemon that is killed looks again.
      if (found.is === 'found') last = run
      else await keep(run)
    },
    async taken() {
      if (isScheduled() && last !== null && last !== 'unread') await keep(last)
    },
    async postponed(found) {
      failures += 1
      const run = runOf(found)
      plan = { is: 'set', at: clock.now() + retryMs(), due: run.at }
      if (isScheduled()) await keep(run)
    },
    wake() {
      failures = 0
      plan = beginning()
    },
    state() {
      const lastRun = isScheduled() && last !== 'unread' ? last : null
      return { plan, lastRun }
    },
  }
}
