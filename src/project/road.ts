import { setImmediate as nextTurn } from 'node:timers/promises'
import { hintOf, isExpected, isOutOfSpace, messageOf, OperationalError } from '../errors.ts'
import type { Cause, Claimed, OnTrial, Release, Verified } from '../model.ts'
import { hintText } from '../phrases.ts'
import type { InUse } from '../python/packages.ts'
import { noteUse } from '../python/uses.ts'
import { apply, dropsIn, prepare, settle } from '../update/apply.ts'
import { storeStage } from '../update/store.ts'
import { type Refused, verify } from '../update/verify.ts'
import { releaseWords } from '../words-release.ts'
import { backFromApply, goBack } from './back.ts'
import { check } from './check.ts'
import {
  downSince,
  endRelease,
  type Ground,
  isHeld,
  makeRoom,
  patiently,
  type Started,
  startProgram,
} from './ground.ts'
import { install, lookForPackages, type Made, missingPackages } from './packages.ts'
import { noteReboot } from './reboot.ts'
import { beginTrial, newestOf, type Trial, type Verdict, watchTrial } from './trial.ts'
import { unpack } from './unpack.ts'

/**
 * Where a walk has led. In all cases but `done` nothing was stopped, and the release is still claimed;
 * what becomes of a refused one is for who called. `gives way`: something else comes first (an order of
 * the operator, the end of a trial, the daemon's end), and then it is walked again. `outdated`: main is not
 * what the release was made for any more, and it has to be made anew. `preparing`: its
 * packages are being installed; it is walked again when they are.
 */
export type Walked =
  | { readonly is: 'done'; readonly onTrial: Trial | null }
  | { readonly is: 'refused'; readonly why: string; readonly mayBeCutOff: boolean }
  | { readonly is: 'not yet'; readonly why: unknown }
  | { readonly is: 'gives way' }
  | { readonly is: 'outdated'; readonly why: string }
  | { readonly is: 'preparing'; readonly made: Promise<Made> }

/**
 * THE STORY. Walks a claimed release down the road: verify, stop, apply, start, trial.
 *
 * Each stage is on disk before it is walked. All that can fail or takes long comes before the stop.
 * `trial` is what is on trial when it comes.
 */
export async function walk(arrived: Claimed, trial: Trial | null, on: Ground): Promise<Walked> {
  const ready = await getReady(arrived, on)
  if (ready.is !== 'ready') return ready
  const { verified, bytecode } = ready
  if (on.orders.call().aborted) return { is: 'gives way' }
  // If the trial has just failed, main is about to be another than the one verified against.
  if (trial !== null && (await isDecided(trial))) return { is: 'gives way' }
  const begun = await begin(verified, on)
  if (begun !== null) return begun

  const stoppedAt = on.clock.now()
  await on.program.stop({ by: 'release', id: verified.release.id })
  try {
    return { is: 'done', onTrial: await swap(verified, bytecode, trial, stoppedAt, on) }
  } catch (error) {
    if (!isExpected(error)) throw error
    const why = releaseWords.applyFailed(messageOf(error))
    return { is: 'done', onTrial: await backFromApply(verified, trial, why, stoppedAt, on) }
  }
}

type NotGone = Exclude<Walked, { is: 'done' }>
type Ready = {
  readonly is: 'ready'
  readonly verified: Verified
  readonly bytecode: readonly string[]
}

/** All that can fail or takes long, while the old program runs. */
async function getReady(arrived: Claimed, on: Ground): Promise<Ready | NotGone> {
  try {
    const claimed = await unpack(arrived, on)
    if ('refused' in claimed) return refusal(claimed)
    const verified = await verify(claimed, on.site)
    if ('refused' in verified) return refusal(verified)
    const packages = await lookForPackages(verified, on)
    if ('refused' in packages) return refusal(packages)
    const checked = await check(verified, packages, on)
    if ('refused' in checked) return refusal(checked)
    if (packages.is === 'wanted') {
      return { is: 'preparing', made: install(packages.wish, verified.release, on) }
    }
    const obstacle = await on.git.fits(verified.release, dropsIn(verified.plan))
    if (obstacle !== null) {
      return { is: 'outdated', why: `${obstacle.why}${hintText(obstacle.hint)}` }
    }
    await makeReady(verified, packages.inUse, on)
    for (const text of [...verified.warnings, ...checked.warnings]) warn(claimed.release, text, on)
    return { is: 'ready', verified, bytecode: checked.bytecode }
  } catch (error) {
    // Checks that take long were ended for it.
    return on.orders.call().aborted ? { is: 'gives way' } : notNow(error, on)
  }
}

/** Stores that the release is being applied: from here on a restart undoes. */
async function begin(verified: Verified, on: Ground): Promise<NotGone | null> {
  const { release, attempt, isFirst } = verified
  try {
    await storeStage({ stage: 'applying', release, attempt, isFirst }, on.site)
    return null
  } catch (error) {
    return notNow(error, on)
  }
}

/** A full disk is waited for. Whatever else the system refuses, the release is refused for. */
async function notNow(error: unknown, on: Ground): Promise<NotGone> {
  if (isOutOfSpace(error)) {
    await makeRoom(on)
    return { is: 'not yet', why: error }
  }
  if (!isExpected(error)) throw error
  return { is: 'refused', why: messageOf(error), mayBeCutOff: false }
}

function refusal({ refused, mayBeCutOff }: Refused): NotGone {
  return { is: 'refused', why: refused, mayBeCutOff }
}

function warn({ id }: Release, text: string, on: Ground): void {
  on.log.warn(`${id}: ${text}`)
  on.answer(`${id}: ${text}`)
}

/** Ends a trial as its verdict says. The answer is what is on trial afterwards: nothing. */
export async function conclude(trial: Trial, verdict: Verdict, on: Ground): Promise<null> {
  switch (verdict.is) {
    case 'passed':
      await commit(trial.releases, verdict.note, on)
      return null
    case 'failed':
      await goBack(trial.releases, verdict.why, on)
      return null
    case 'cut':
      await suspend(trial, on)
      return null
  }
}

/**
 * Goes on with a trial that the daemon's end cut off. Every start counts: a program that brings the
 * machine down would otherwise be on trial for ever.
 */
export async function goOn(
  releases: readonly OnTrial[],
  cause: Cause,
  on: Ground,
): Promise<Trial | null> {
  const newest = releases.at(-1)
  if (newest === undefined) return null
  const below = releases.slice(0, -1)
  // While the operator keeps the program down no trial begins, nor without its packages.
  const waits = isHeld(on) || (await missingPackages(on)) !== null
  if (waits) return beginTrial([...below, newest], cause, on)
  const { maxBoots } = on.site.config.trial
  const again = { ...newest, boots: newest.boots + 1 }
  const all: Trial['releases'] = [...below, again]
  if (again.boots > maxBoots) {
    await goBack(all, releaseWords.tooManyBoots(maxBoots), on)
    return null
  }
  await patiently(newest.release.id, on, () => storeStage(again, on.site))
  on.log.info(releaseWords.trialAgain(newest.release, again.boots, maxBoots))
  return beginTrial(all, cause, on)
}

/** The last work while the old program runs: space, folders and plan, all of it durable. */
async function makeReady(verified: Verified, inUse: InUse, on: Ground): Promise<void> {
  const { site } = on
  const free = site.disk.freeBytes(site.paths.releases)
  const needed = site.config.update.minFreeBytes
  if (free < needed) {
    throw new OperationalError(releaseWords.tooLittleSpace(free, needed), {
      code: 'ENOSPC',
      path: site.paths.releases,
    })
  }
  await noteUse({ since: verified.release.id, address: inUse.address }, site)
  await prepare(verified, site)
}

/** The program is down: rename, start it, and only then make the renames durable. */
async function swap(
  verified: Verified,
  bytecode: readonly string[],
  trial: Trial | null,
  stoppedAt: number,
  on: Ground,
): Promise<Trial> {
  const { release, isFirst } = verified
  apply(verified, bytecode, on.site)
  const started = await startProgram(release.id, { by: 'release', id: release.id }, on)
  const isHeld = started.is === 'held'
  const downtimeMs = isHeld ? 0 : downSince(stoppedAt, on)
  const boots = isHeld ? 0 : 1
  const onTrial: OnTrial = { stage: 'on-trial', release, isFirst, boots, downtimeMs }
  const watch = () => watchTrial([...(trial?.releases ?? []), onTrial], started, on)
  // Its time runs from the start, not from when the card has written all. Who runs it elsewhere is told when all
  // is durable: if that is cut off, the next start finds it on trial, and tells him again.
  const early = started.is === 'elsewhere' ? null : watch()
  await settle(on.site)
  await on.git.follow(release, true)
  await storeStage(onTrial, on.site)
  const text = appliedText(started, onTrial, on)
  on.log.info(text)
  on.answer(text)
  if (trial !== null)
    on.log.info(releaseWords.trialEndedBy(newestOf(trial.releases).release, release))
  return early ?? watch()
}

function appliedText(started: Started, { release, downtimeMs }: OnTrial, on: Ground): string {
  if (started.is === 'elsewhere') return releaseWords.appliedElsewhere(release)
  if (started.is !== 'held')
    return releaseWords.applied(release, downtimeMs, on.site.config.trial.ms)
  return on.isPass ? releaseWords.appliedLater(release) : releaseWords.appliedHeld(release)
}

async function commit(
  releases: Trial['releases'],
  note: string | undefined,
  on: Ground,
): Promise<void> {
  const newest = newestOf(releases)
  await noteReboot(newest.release, on)
  // Oldest first: a power cut in between must not leave one on trial below one that is committed.
  for (const one of releases) {
    const remark = one === newest ? note : releaseWords.noteWith(newest.release.id)
    const outcome = {
      result: 'committed',
      ...(remark === undefined ? {} : { note: remark }),
    } as const
    await endRelease(one.release, outcome, one.downtimeMs, on)
  }
}

/**
 * An orderly end of the daemon, or the operator's stop, is not the release's fault: it does not count
 * as a start. The answer is the trial, held.
 */
export async function suspend({ releases, verdict }: Trial, on: Ground): Promise<Trial> {
  if (verdict === null) return { releases, verdict }
  const newest = newestOf(releases)
  const suspended = { ...newest, boots: newest.boots - 1 }
  try {
    await storeStage(suspended, on.site)
  } catch (error) {
    if (!isExpected(error)) throw error
    on.log.warn(releaseWords.stuck(newest.release.id, messageOf(error), hintOf(error)))
  }
  return { releases: [...releases.slice(0, -1), suspended], verdict: null }
}

/** True when the trial's verdict is there. A turn of the event loop lets it arrive first. */
async function isDecided(trial: Trial): Promise<boolean> {
  await nextTurn()
  return trial.verdict?.isSettled() ?? false
}
