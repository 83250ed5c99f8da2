import { join } from 'node:path'
import type { Site } from '../config.ts'
import { hintOf, isExpected, isOutOfSpace, messageOf, withHint } from '../errors.ts'
import type { Clock, Log } from '../model.ts'
import { openTurns, type Timed } from '../source/git/turns.ts'
import { within } from '../system/clock.ts'
import { traceOf } from '../system/trace.ts'
import { words } from '../words.ts'
import { selfWords } from '../words-self.ts'
import type { Around } from './around.ts'
import type { Candidate, Trouble } from './candidate.ts'
import { alone, exchange, type Ready } from './exchange.ts'
import { type Look, lookForVersion, lookText } from './look.ts'
import { readFailed, tidyVersions } from './records.ts'
import type { SelfState } from './status.ts'
import { beforeOf } from './stay.ts'
import { beginTrial } from './trial.ts'

/** What somebody asks for by hand. */
export type Asked = {
  /** Only look. */
  readonly isCheck: boolean
  /** Also a lower version, or one that did not pass before. */
  readonly isForced: boolean
}

/** What became of it. */
export type Told =
  | { readonly is: 'done'; readonly text: string }
  | ({ readonly is: 'refused' } & Trouble)

/** The daemon's care for its own version. */
export type SelfUpdate = {
  /** Looks, tells and exchanges, until the daemon ends. Never throws. */
  readonly run: () => Promise<void>
  /** Does now what somebody asks for. */
  readonly byHand: (asked: Asked) => Promise<Told>
  /** Takes note of new settings. */
  readonly wake: () => void
  readonly state: () => SelfState
}

/** Opens it. */
export function openSelfUpdate(around: Around, log: Log, clock: Clock): SelfUpdate {
  const { means, isLaunched } = around
  const { site, install, end } = means
  const says = {
    ...log,
    info: (text: string) => log.info(selfWords.says(text)),
    warn: (text: string) => log.warn(selfWords.says(text)),
  }
  const turns = openTurns(timesOf(site), around.outside, says, clock)
  let state: SelfState = {
    version: means.version,
    isManaged: install !== null && isLaunched,
    last: null,
    trial: null,
    failed: null,
    plan: turns.state().plan,
  }
  let told = ''
  let isAtWork = false
  let wakeUp: () => void = () => undefined

  function tell(is: Look['is'], text: string): void {
    if (end.aborted || told === text) return
    told = text
    if (is === 'waits') says.warn(text)
    else if (is === 'failed') log.error(selfWords.says(text))
    else says.info(text)
  }

  async function look(asked: Asked | null): Promise<Look> {
    const found = await safely(() => lookForVersion(means, asked?.isForced))
    const text = lookText(found)
    await turns.looked({ is: found.is, text }, asked !== null)
    const newest = found.is === 'found' ? found.candidate.version : found.version
    state = {
      ...state,
      last: { is: found.is, newest, text, at: clock.now() },
      plan: turns.state().plan,
    }
    // What is being installed is told of by that.
    if (found.is !== 'found' || !installs(asked)) tell(found.is, text)
    return found
  }

  /** True when a version that is found is installed. */
  function installs(asked: Asked | null): boolean {
    if (asked !== null) return !asked.isCheck
    return site.config.selfUpdate.mode === 'auto' && state.isManaged
  }

  async function safely(ask: () => Promise<Look>): Promise<Look> {
    try {
      return await ask()
    } catch (error) {
      if (!isExpected(error)) throw error
      return { is: 'failed', version: null, why: messageOf(error) }
    }
  }

  /** Exchanges the version, and has the daemon end for it. */
  async function takeIt(candidate: Candidate, whenReady: Ready): Promise<Told> {
    if (install === null || !isLaunched) {
      const hint = selfWords.notManagedHint(site.paths.project)
      return { is: 'refused', why: selfWords.notManaged, hint }
    }
    says.info(selfWords.preparing(candidate.version, candidate.of))
    const trouble = await orTrouble(install.dir, () =>
      exchange(candidate, install, means, whenReady),
    )
    await turns.taken()
    if (trouble !== null) return { is: 'refused', ...trouble }
    const text = selfWords.exchanged(candidate.version, site.config.selfUpdate.stayMs)
    says.info(text)
    around.endDaemon(selfWords.endsFor(candidate.version))
    return { is: 'done', text }
  }

  /** Waits until no release is under way, for a while. */
  const whenIdle: Ready = async () => {
    const { idleMs, tickMs } = site.config.selfUpdate
    const until = clock.now() + idleMs
    while (await around.isBusy()) {
      if (end.aborted) return { why: words.endingNow }
      if (clock.now() >= until) return { why: selfWords.neverIdle(idleMs) }
      await clock.sleep(tickMs, end)
    }
    return { before: beforeOf(around.standings()) }
  }

  const ifIdle: Ready = async () =>
    (await around.isBusy())
      ? { why: selfWords.busy, hint: selfWords.busyHint }
      : { before: beforeOf(around.standings()) }

  async function turn(): Promise<void> {
    const found = await look(null)
    if (found.is !== 'found') return
    if (!installs(null)) return turns.taken()
    const became = await takeIt(found.candidate, whenIdle)
    if (became.is === 'done') return
    const text = selfWords.trouble(became)
    const newest = found.candidate.version
    state = { ...state, last: { is: 'waits', newest, text, at: clock.now() } }
    tell('waits', text)
  }

  /** Until the next look is due; not while somebody is served. */
  async function due(): Promise<void> {
    while (!end.aborted) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve
      })
      const isOff = site.config.selfUpdate.mode === 'off' || isAtWork
      const ms = isOff ? undefined : await turns.wait()
      state = { ...state, plan: turns.state().plan }
      if (ms !== undefined && ms <= 0) return
      await within(woken, end, ms)
    }
  }

  async function serveTrial(): Promise<void> {
    if (install === null) return
    const trial = await beginTrial(around, install, log, clock)
    const failed = await readFailed(install, site.disk)
    // One that runs all the same was forced, and passed.
    state = { ...state, failed: failed.findLast((one) => one.version !== means.version) ?? null }
    if (trial === null) {
      if (state.failed !== null && site.config.selfUpdate.mode !== 'off') {
        says.warn(selfWords.lastFailed(state.failed))
      }
      // Whoever is at work there has taken what is not ready yet for his own.
      if (isLaunched) {
        await alone(install, () => tidyVersions(means.version, failed, install, site.disk))
      }
      return
    }
    state = { ...state, trial: { previous: trial.previous, since: clock.now() } }
    if (await trial.passes()) state = { ...state, trial: null }
  }

  /** One at a time: a look that is under way is waited for. */
  async function byTurns<T>(what: () => Promise<T>): Promise<T | null> {
    if (isAtWork) return null
    isAtWork = true
    try {
      return await what()
    } finally {
      isAtWork = false
      wakeUp()
    }
  }

  async function serve(): Promise<void> {
    await serveTrial()
    if (site.config.selfUpdate.mode === 'auto' && !state.isManaged) {
      const hint = selfWords.notManagedHint(site.paths.project)
      says.warn(selfWords.trouble({ why: selfWords.autoNotManaged, hint }))
    }
    while (!end.aborted) {
      await due()
      if (!end.aborted) await byTurns(turn)
    }
  }

  return {
    async run() {
      while (!end.aborted) {
        try {
          await serve()
        } catch (error) {
          log.error(
            isExpected(error) ? selfWords.says(messageOf(error)) : words.bug(traceOf(error)),
          )
          await clock.sleep(site.config.selfUpdate.retryMs, end)
        }
      }
    },
    async byHand(asked) {
      if (end.aborted) return { is: 'refused', why: words.endingNow }
      if (state.trial !== null) {
        return { is: 'refused', why: selfWords.isOnTrial(state.version) }
      }
      const became = await byTurns(async (): Promise<Told> => {
        const found = await look(asked)
        if (found.is === 'found' && !asked.isCheck) return takeIt(found.candidate, ifIdle)
        if (found.is !== 'failed' && found.is !== 'waits') {
          return { is: 'done', text: lookText(found) }
        }
        return { is: 'refused', why: found.why, ...withHint(found.hint) }
      })
      return became ?? { is: 'refused', why: selfWords.atWork('') }
    },
    wake() {
      turns.wake()
      wakeUp()
    },
    state: () => state,
  }
}

/** The settings of [self_update] in the place of those of [git]: when it is looked is decided in the same way. */
function timesOf({ config, paths, disk }: Site): Timed {
  const { own } = paths
  return {
    disk,
    config: { git: config.selfUpdate },
    paths: { own, lastRun: join(own, 'self-update.json') },
  }
}

/** `dir`: where it writes. */
async function orTrouble(
  dir: string,
  what: () => Promise<Trouble | null>,
): Promise<Trouble | null> {
  try {
    return await what()
  } catch (error) {
    if (!isExpected(error)) throw error
    if (isOutOfSpace(error)) return { why: selfWords.diskFull(dir), hint: selfWords.diskFullHint }
    return { why: messageOf(error), ...withHint(hintOf(error)) }
  }
}
