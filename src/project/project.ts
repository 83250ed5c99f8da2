import { hintOf, messageOf } from '../errors.ts'
import type { Claimed } from '../model.ts'
import type { Deposit } from '../source/deposit/deposit.ts'
import type { Snapshot } from '../source/deposit/scan.ts'
import { within } from '../system/clock.ts'
import { words } from '../words.ts'
import { claim } from './claim.ts'
import { type Ground, startProgram } from './ground.ts'
import { recover } from './recover.ts'
import { committedRelease, conclude, goOn, walk } from './road.ts'
import type { Trial, Verdict } from './trial.ts'

/** Runs one project until the daemon ends. A bug is logged, and the truth is read from disk again. */
export async function runProject(deposit: Deposit, on: Ground): Promise<void> {
  while (!on.shutdown.aborted) {
    try {
      await serve(deposit, on)
    } catch (error) {
      if (on.shutdown.aborted) break
      on.log.error(words.bug(error instanceof Error ? (error.stack ?? error.message) : `${error}`))
      await on.program.stop({ by: 'recovery' })
      await on.clock.sleep(on.site.config.update.retryMs, on.shutdown)
    }
  }
  await on.program.stop({ by: 'shutdown' })
  await deposit.close()
}

/** Where the project stands between two steps. */
type Standing = {
  /** What is on trial. */
  readonly trial: Trial | null
  /** Claimed, and not walked yet. */
  readonly queue: readonly Claimed[]
  /** The next upload, awaited while nothing is in the queue. */
  readonly upload: Promise<Event> | null
}

type Event =
  | { readonly is: 'upload'; readonly snapshot: Snapshot | null }
  | { readonly is: 'verdict'; readonly verdict: Verdict }
  | { readonly is: 'time' }

/** From what the last session left, through one release after the other, until the daemon ends. */
async function serve(deposit: Deposit, on: Ground): Promise<void> {
  let now = await resume(deposit, on)
  while (!on.shutdown.aborted) {
    now = await walkQueue(now, on)
    await startIfNot(on)
    if (now.queue.length === 0 && now.upload === null) {
      now = { ...now, upload: nextUpload(0, deposit, on) }
    }
    now = await handle(await nextEvent(now, on), now, deposit, on)
  }
  if (now.trial !== null) await conclude(now.trial, { is: 'cut' }, on)
}

async function resume(deposit: Deposit, on: Ground): Promise<Standing> {
  const left = await recover(on)
  const trial = await goOn(left.onTrial, on)
  const isIdle = trial === null && left.claimed.length === 0
  return { trial, queue: isIdle ? await claimEarly(deposit, on) : left.claimed, upload: null }
}

/** Walks the releases of the queue; one that cannot be walked yet stays there. */
async function walkQueue(now: Standing, on: Ground): Promise<Standing> {
  const [first, ...others] = now.queue
  if (first === undefined) return now
  const walked = await walk(first, now.trial, on)
  if (walked.is === 'done') {
    return walkQueue({ ...now, trial: walked.onTrial, queue: others }, on)
  }
  if (walked.why !== null) {
    on.log.error(words.waits(first.release.id, messageOf(walked.why), hintOf(walked.why)))
  }
  return now
}

async function handle(
  event: Event,
  now: Standing,
  deposit: Deposit,
  on: Ground,
): Promise<Standing> {
  switch (event.is) {
    case 'verdict':
      return { ...now, trial: now.trial && (await conclude(now.trial, event.verdict, on)) }
    case 'upload': {
      const claimed = event.snapshot === null ? 'again' : await claim(event.snapshot, deposit, on)
      if (typeof claimed === 'object') return { ...now, queue: [claimed], upload: null }
      const waitMs = claimed === 'later' ? on.site.config.deposit.retryMs : 0
      return { ...now, upload: nextUpload(waitMs, deposit, on) }
    }
    case 'time':
      return now
  }
}

/** An upload that lies in the deposit already goes first, unless it is still under way. */
async function claimEarly(deposit: Deposit, on: Ground): Promise<readonly Claimed[]> {
  if (!(await deposit.hasContent())) return []
  const timeUp = AbortSignal.any([
    on.shutdown,
    AbortSignal.timeout(on.site.config.deposit.bootWaitMs),
  ])
  const snapshot = await deposit.next(timeUp)
  const claimed = snapshot === null ? 'again' : await claim(snapshot, deposit, on)
  return typeof claimed === 'object' ? [claimed] : []
}

/** The first start of the session (or after a fault), when no release has made it. */
async function startIfNot(on: Ground): Promise<void> {
  const state = on.program.state()
  if (state.is !== 'STOPPED' || state.why === 'no main.py') return
  await startProgram(await committedRelease(on), { by: 'boot' }, on)
}

async function nextUpload(afterMs: number, deposit: Deposit, on: Ground): Promise<Event> {
  if (afterMs > 0) await on.clock.sleep(afterMs, on.shutdown)
  return { is: 'upload', snapshot: await deposit.next(on.shutdown) }
}

/**
 * Waits for the next upload or the end of the trial. A release that is still in the queue could not
 * be walked: it is time for that again after a while.
 */
async function nextEvent(now: Standing, on: Ground): Promise<Event> {
  const verdict = now.trial?.verdict.then((found): Event => ({ is: 'verdict', verdict: found }))
  const awaited = [now.upload, verdict].filter((promise) => promise != null)
  const waitMs = now.queue.length === 0 ? undefined : on.site.config.update.waitMs
  const first = await within(Promise.race(awaited), on.shutdown, waitMs)
  return first.is === 'done' ? first.value : { is: 'time' }
}
