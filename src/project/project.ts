import { hintOf, messageOf } from '../errors.ts'
import type { Cause, Claimed, Claiming } from '../model.ts'
import type { Deposit } from '../source/deposit/deposit.ts'
import type { Upload } from '../source/deposit/judgement.ts'
import type { Incoming } from '../source/git/judgement.ts'
import { withDeadline } from '../system/clock.ts'
import { earliest, type Lasting, lasting } from '../system/lasting.ts'
import { traceOf } from '../system/trace.ts'
import { words } from '../words.ts'
import { releaseWords } from '../words-release.ts'
import { startAgain } from './back.ts'
import { obey } from './carry-out.ts'
import { expectCheck } from './check.ts'
import { claim, unclaim } from './claim.ts'
import { claimCommit } from './claim-commit.ts'
import { type Ground, isHeld } from './ground.ts'
import {
  choosePackages,
  collectPackages,
  healPackages,
  type Made,
  remakePackages,
} from './packages.ts'
import { recover } from './recover.ts'
import { postpone, type Queued, refuse } from './refuse.ts'
import { conclude, goOn, suspend, type Walked, walk } from './road.ts'
import { settleElsewhere } from './tell-again.ts'
import type { Trial, Verdict } from './trial.ts'

/** Runs one project until the daemon ends. A bug is logged, and the truth is read from disk again. */
export async function runProject(deposit: Deposit, on: Ground): Promise<void> {
  while (!on.shutdown.aborted) {
    try {
      await serve(deposit, on)
    } catch (error) {
      if (on.shutdown.aborted) break
      on.log.error(words.bug(traceOf(error)))
      await on.program.stop({ by: 'recovery' })
      await on.clock.sleep(on.site.config.update.waitMs, on.shutdown)
    }
  }
  await on.program.stop({ by: 'shutdown' })
}

/** Where the project stands between two steps. */
type Standing = {
  /** What is on trial. */
  readonly trial: Trial | null
  /** Claimed, and not walked yet. */
  readonly queue: readonly Queued[]
  /** Half claimed by the last session, to be put back before anything else is claimed. */
  readonly claiming: readonly Claiming[]
  /** The next upload, awaited while nothing is in the queue. */
  readonly upload: Lasting<Event> | null
  /** The next commit, awaited as long. */
  readonly commit: Lasting<Event> | null
  /** The packages of the first in the queue are being installed. */
  readonly preparing: Lasting<Event> | null
  /** Those of main, which were missing, are. */
  readonly healing: Lasting<Event> | null
}

type Event =
  /** How the trial went. */
  | Verdict
  | { readonly is: 'upload'; readonly upload: Upload | null }
  | { readonly is: 'commit'; readonly incoming: Incoming | null }
  | { readonly is: 'order' }
  | { readonly is: 'prepared'; readonly made: Made }
  | { readonly is: 'healed' }
  | { readonly is: 'time' }

/** From what the last session left, through one release after the other, until the daemon ends. */
async function serve(deposit: Deposit, on: Ground): Promise<void> {
  const over = new AbortController()
  const uploads = { deposit, signal: AbortSignal.any([on.shutdown, over.signal]) }
  let now = await resume(uploads, on)
  if (now.queue.some((queued) => !goesFirst(queued, on))) await startIfNot(on)
  try {
    while (!on.shutdown.aborted) {
      now = await walkQueue(now, deposit, on)
      await startIfNot(on)
      now = withHealing(now, on)
      for (const { release } of now.claiming) await unclaim(release, on)
      now = withSources({ ...now, claiming: [] }, uploads, on)
      now = await handle(await nextEvent(now, on), now, uploads, on)
    }
  } catch (error) {
    // What waits for something throws when the daemon ends.
    if (!on.shutdown.aborted) throw error
  } finally {
    // Nobody may go on watching the deposit behind the back of what comes next.
    over.abort()
    await Promise.all([now.upload?.promise, now.commit?.promise])
    // The end cuts off installs; until they are over they may still say something.
    if (on.shutdown.aborted) await Promise.all([now.preparing?.promise, now.healing?.promise])
  }
  if (now.trial !== null) await suspend(now.trial, on)
}

/** The deposit, and until when uploads are waited for. */
type Uploads = { readonly deposit: Deposit; readonly signal: AbortSignal }

async function resume(uploads: Uploads, on: Ground): Promise<Standing> {
  const left = await recover(on)
  await remakePackages(on)
  const trial = await goOn(left.onTrial, { by: 'boot' }, on)
  await settleElsewhere(trial !== null, on)
  const isIdle = trial === null && left.claimed.length === 0 && left.claiming.length === 0
  const again = left.claimed.map((claimed): Queued => ({ claimed, upload: null }))
  const queue = isIdle ? await claimEarly(uploads, on) : again
  const idle = { upload: null, commit: null, preparing: null, healing: null }
  return { trial, queue, claiming: left.claiming, ...idle }
}

/**
 * True for what is applied before the first start of the program. What may take long (an archive), or
 * has been tried before, must not keep it from running.
 */
function goesFirst({ upload }: Queued, on: Ground): boolean {
  const { archives } = on.site.config.deposit
  return upload?.snapshot.entries.every(({ path }) => !archives.includes(path)) ?? false
}

/** Waits for the next upload and the next commit, unless there is something to do first. */
function withSources(now: Standing, uploads: Uploads, on: Ground): Standing {
  if (now.queue.length > 0) return now
  const upload = now.upload ?? lasting(nextUpload(0, uploads, on))
  const commit = now.commit ?? lasting(nextCommit(uploads.signal, on))
  return { ...now, upload, commit }
}

async function nextCommit(signal: AbortSignal, on: Ground): Promise<Event> {
  return { is: 'commit', incoming: await on.git.next(signal) }
}

/** Walks the releases of the queue; one that cannot be walked yet stays there. */
async function walkQueue(now: Standing, deposit: Deposit, on: Ground): Promise<Standing> {
  const [first, ...others] = now.queue
  if (first === undefined || now.preparing !== null) return now
  const { claimed, upload } = first
  const why = upload?.refused ?? null
  const walked: Walked =
    why === null ? await walk(claimed, now.trial, on) : { is: 'refused', why, mayBeCutOff: false }
  if (walked.is !== 'not yet') on.obstacle.pass()
  switch (walked.is) {
    case 'done':
      return walkQueue({ ...now, trial: walked.onTrial, queue: others }, deposit, on)
    case 'refused':
      await refuse(first, walked, deposit, on)
      return walkQueue({ ...now, queue: others }, deposit, on)
    case 'outdated':
      await postpone(first, walked.why, deposit, on)
      return { ...now, queue: others }
    case 'not yet':
      tellObstacle(claimed, walked.why, on)
      return now
    case 'gives way':
      return now
    case 'preparing': {
      const made = walked.made.then((made): Event => ({ is: 'prepared', made }))
      return { ...now, preparing: lasting(made) }
    }
  }
}

/** Goes on with a release whose packages have been installed, or could not be. */
async function goOnWith(
  made: Made,
  now: Standing,
  deposit: Deposit,
  on: Ground,
): Promise<Standing> {
  const [first, ...others] = now.queue
  // The end of the daemon ends the install too: that is not the release's fault.
  if (first === undefined || made.is === 'made' || on.shutdown.aborted) return now
  if (made.is === 'not now') {
    tellObstacle(first.claimed, made.why, on)
    return now
  }
  if (made.is === 'refused') await refuse(first, { why: made.why, mayBeCutOff: false }, deposit, on)
  else await postpone(first, made.why, deposit, on)
  return { ...now, queue: others }
}

/** Main runs without its packages: they are made while it does. */
function withHealing(now: Standing, on: Ground): Standing {
  if (now.healing !== null || on.packages.lacking() === null) return now
  return { ...now, healing: lasting(healPackages(on).then((): Event => ({ is: 'healed' }))) }
}

/**
 * The packages of main are there now: it is started with them, unless a release has done so. A trial that
 * has waited for them begins; the answer is what is on trial.
 */
async function restartHealed(trial: Trial | null, on: Ground): Promise<Trial | null> {
  const cause: Cause = { by: 'packages' }
  if (on.packages.lacking() === null) return trial
  // Its next start is with them.
  if (isHeld(on)) await choosePackages(on)
  if (isHeld(on) || on.shutdown.aborted) return trial
  await on.program.stop(cause)
  if (trial !== null) return goOn(trial.releases, cause, on)
  await startAgain(cause, on)
  return null
}

/** Says why a release waits, once for each reason. */
function tellObstacle({ release }: Claimed, why: unknown, on: Ground): void {
  const text = releaseWords.waits(release.id, messageOf(why), hintOf(why))
  if (on.obstacle.meet(release.id, text)) {
    on.log.error(text)
    on.answer(text)
  }
}

async function handle(
  event: Event,
  now: Standing,
  uploads: Uploads,
  on: Ground,
): Promise<Standing> {
  switch (event.is) {
    case 'passed':
    case 'failed':
    case 'cut': {
      const trial = now.trial && (await conclude(now.trial, event, on))
      await collectPackages(on)
      return { ...now, trial }
    }
    case 'upload': {
      const { upload } = event
      const claimed = upload === null ? 'again' : await claim(upload.snapshot, uploads.deposit, on)
      if (typeof claimed === 'object') return { ...now, queue: [{ claimed, upload }], upload: null }
      const waitMs = claimed === 'later' ? on.site.config.deposit.retryMs : 0
      return { ...now, upload: lasting(nextUpload(waitMs, uploads, on)) }
    }
    case 'commit': {
      const claimed = event.incoming === null ? null : await claimCommit(event.incoming, on)
      const queue = claimed === null ? now.queue : [{ claimed, upload: null }]
      return { ...now, queue, commit: null }
    }
    case 'order':
      return { ...now, trial: await obey(now.trial, on) }
    case 'prepared':
      return goOnWith(event.made, { ...now, preparing: null }, uploads.deposit, on)
    case 'healed':
      return { ...now, trial: await restartHealed(now.trial, on), healing: null }
    case 'time':
      return now
  }
}

/** An upload that lies in the deposit already goes first, unless it is still under way. */
async function claimEarly({ deposit, signal }: Uploads, on: Ground): Promise<readonly Queued[]> {
  if (!(await deposit.hasContent())) return []
  const { bootWaitMs } = on.site.config.deposit
  const patience = withDeadline(bootWaitMs, signal, on.orders.call())
  const upload = await deposit.next(patience.signal, (files) => expectCheck(files, on))
  patience.clear()
  const claimed = upload === null ? 'again' : await claim(upload.snapshot, deposit, on)
  return typeof claimed === 'object' ? [{ claimed, upload }] : []
}

/** The first start of the session (or after a fault), when no release has made it. */
async function startIfNot(on: Ground): Promise<void> {
  const state = on.program.state()
  if (state.is !== 'STOPPED' || state.why === 'no main.py') return
  await startAgain({ by: 'boot' }, on)
}

async function nextUpload(
  afterMs: number,
  { deposit, signal }: Uploads,
  on: Ground,
): Promise<Event> {
  if (afterMs > 0) await on.clock.sleep(afterMs, signal)
  return { is: 'upload', upload: await deposit.next(signal, (files) => expectCheck(files, on)) }
}

/**
 * Waits for the next upload or commit, the end of the trial or of an install, or an order of the operator. A release
 * that is still in the queue could not be walked: it is time for that again after a while.
 */
async function nextEvent(now: Standing, on: Ground): Promise<Event> {
  // One release after the other, from wherever they come.
  const sources = now.queue.length === 0 ? [now.upload, now.commit] : []
  const all: (Lasting<Event> | null | undefined)[] = [
    ...sources,
    now.trial?.verdict,
    now.preparing,
    now.healing,
  ]
  const awaited = all.filter((one) => one != null)
  const isIdle = now.queue.length === 0 || now.preparing !== null
  const waitMs = isIdle ? undefined : on.site.config.update.waitMs
  on.bustle.note(now.preparing !== null || (now.trial?.verdict ?? null) !== null)
  const first = await earliest(awaited, on.orders.call(), waitMs)
  on.bustle.note(true)
  if (first.is === 'aborted') return { is: 'order' }
  return first.is === 'done' ? first.value : { is: 'time' }
}
