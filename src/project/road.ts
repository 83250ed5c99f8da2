import { setImmediate as nextTurn } from 'node:timers/promises'
import { hintOf, isExpected, isOutOfSpace, messageOf, OperationalError } from '../errors.ts'
import type { Cause, Claimed, OnTrial, Release, ReleaseId, Undoing, Verified } from '../model.ts'
import { apply, prepare, settle } from '../update/apply.ts'
import { lastCommitted, readHistory } from '../update/history.ts'
import { readPlan, storePlan, storeStage } from '../update/store.ts'
import { undo } from '../update/undo.ts'
import { type Refused, verify } from '../update/verify.ts'
import { words } from '../words.ts'
import { check } from './check.ts'
import { endRelease, type Ground, patiently, startProgram } from './ground.ts'
import { judge, type Trial, type Verdict } from './trial.ts'
import { unpack } from './unpack.ts'

/**
 * Where a walk has led. `refused` and `not yet`: nothing was stopped, and the release is still
 * claimed; what becomes of a refused one is for who called.
 */
export type Walked =
  | { readonly is: 'done'; readonly onTrial: Trial | null }
  | { readonly is: 'refused'; readonly why: string; readonly mayBeCutOff: boolean }
  | { readonly is: 'not yet'; readonly why: unknown }

/**
 * THE STORY. Walks a claimed release down the road: verify, stop, apply, start, trial.
 *
 * Each stage is on disk before it is walked. All that can fail or takes long comes before the stop.
 * `trial` is what is on trial when it comes.
 */
export async function walk(arrived: Claimed, trial: Trial | null, on: Ground): Promise<Walked> {
  const ready = await getReady(arrived, on)
  if (ready.is !== 'ready') return ready
  // The daemon is ending: it was too late to begin, and the next start does.
  on.shutdown.throwIfAborted()
  const { verified, bytecode } = ready
  // If the trial has just failed, main is about to be another than the one verified against.
  if (trial !== null && (await isDecided(trial))) return { is: 'not yet', why: null }
  const begun = await begin(verified, on)
  if (begun !== null) return begun

  const stoppedAt = on.clock.now()
  await on.program.stop({ by: 'release', id: verified.release.id })
  try {
    return { is: 'done', onTrial: await swap(verified, bytecode, trial, stoppedAt, on) }
  } catch (error) {
    if (!isExpected(error)) throw error
    const why = words.applyFailed(messageOf(error))
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
    const checked = await check(verified, on)
    if ('refused' in checked) return refusal(checked)
    await makeReady(verified, on)
    for (const text of [...verified.warnings, ...checked.warnings]) warn(claimed.release, text, on)
    return { is: 'ready', verified, bytecode: checked.bytecode }
  } catch (error) {
    return notNow(error)
  }
}

/** Stores that the release is being applied: from here on a restart undoes. */
async function begin(verified: Verified, on: Ground): Promise<NotGone | null> {
  const { release, attempt, isFirst } = verified
  try {
    await storeStage({ stage: 'applying', release, attempt, isFirst }, on.site)
    return null
  } catch (error) {
    return notNow(error)
  }
}

/** A full disk is waited for. Whatever else the system refuses, the release is refused for. */
function notNow(error: unknown): NotGone {
  if (isOutOfSpace(error)) return { is: 'not yet', why: error }
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
      await suspend(trial.releases, on)
      return null
  }
}

/**
 * Goes on with a trial that the daemon's end cut off. Every start counts: a program that brings the
 * machine down would otherwise be on trial for ever.
 */
export async function goOn(releases: readonly OnTrial[], on: Ground): Promise<Trial | null> {
  const newest = releases.at(-1)
  if (newest === undefined) return null
  const { maxBoots } = on.site.config.trial
  const again = { ...newest, boots: newest.boots + 1 }
  const all: Trial['releases'] = [...releases.slice(0, -1), again]
  if (again.boots > maxBoots) {
    await goBack(all, words.tooManyBoots(maxBoots), on)
    return null
  }
  await patiently(newest.release.id, on, () => storeStage(again, on.site))
  on.log.info(words.trialAgain(newest.release, again.boots, maxBoots))
  return beginTrial(all, { by: 'boot' }, on)
}

/** Takes out of main what is in it of the given releases, newest first. */
async function takeBack(
  releases: readonly { readonly release: Release }[],
  on: Ground,
): Promise<void> {
  for (const { release } of releases.toReversed()) {
    await patiently(release.id, on, async () => {
      undo(release, await readPlan(release.id, on.site), on.site)
    })
  }
}

/** The release whose files main holds now, apart from those on trial. */
export async function committedRelease(on: Ground): Promise<ReleaseId> {
  return lastCommitted(await readHistory(on.site))
}

/** Starts what is in main, and its trial. */
async function beginTrial(releases: Trial['releases'], cause: Cause, on: Ground): Promise<Trial> {
  const run = await startProgram(newestOf(releases).release.id, cause, on)
  return { releases, verdict: judge(run, on.site.config.trial.ms, on.clock, on.shutdown) }
}

/** The last work while the old program runs: space, folders and plan, all of it durable. */
async function makeReady(verified: Verified, on: Ground): Promise<void> {
  const { site } = on
  const free = site.disk.freeBytes(site.paths.releases)
  const needed = site.config.update.minFreeBytes
  if (free < needed) {
    throw new OperationalError(words.tooLittleSpace(free, needed), {
      code: 'ENOSPC',
      path: site.paths.releases,
    })
  }
  await storePlan(verified.release, verified.plan, site)
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
  const { config } = on.site
  apply(verified, bytecode, on.site)
  const run = await startProgram(release.id, { by: 'release', id: release.id }, on)
  const downtimeMs = on.clock.now() - stoppedAt
  const verdict = judge(run, config.trial.ms, on.clock, on.shutdown)
  await settle(on.site)
  const onTrial: OnTrial = { stage: 'on-trial', release, isFirst, boots: 1, downtimeMs }
  await storeStage(onTrial, on.site)
  const text = words.applied(release, downtimeMs, config.trial.ms)
  on.log.info(text)
  on.answer(text)
  if (trial !== null) on.log.info(words.trialEndedBy(newestOf(trial.releases).release, release))
  return { releases: [...(trial?.releases ?? []), onTrial], verdict }
}

/** Apply failed half-way: only this release goes back, and a trial that it ended begins anew. */
async function backFromApply(
  verified: Verified,
  trial: Trial | null,
  why: string,
  stoppedAt: number,
  on: Ground,
): Promise<Trial | null> {
  const { release } = verified
  on.log.error(words.undoing(release, why))
  await on.program.stop({ by: 'roll-back', id: release.id })
  // Stored as `applying` still, which a restart undoes as well.
  await takeBack([verified], on)
  const cause: Cause = { by: 'roll-back', id: release.id }
  if (trial === null) await startProgram(await committedRelease(on), cause, on)
  const again = trial === null ? null : await beginTrial(trial.releases, cause, on)
  await patiently(release.id, on, () => settle(on.site))
  await endRelease(release, { result: 'rolled-back', why }, on.clock.now() - stoppedAt, on)
  return again
}

async function commit(
  releases: Trial['releases'],
  note: string | undefined,
  on: Ground,
): Promise<void> {
  const newest = newestOf(releases)
  // Oldest first: a power cut in between must not leave one on trial below one that is committed.
  for (const one of releases) {
    const remark = one === newest ? note : words.noteWith(newest.release.id)
    const outcome = {
      result: 'committed',
      ...(remark === undefined ? {} : { note: remark }),
    } as const
    await endRelease(one.release, outcome, one.downtimeMs, on)
  }
}

/**
 * The way back from a failed trial: to the last release that passed its own, so all on trial are
 * undone. A release that found no program before it is kept: there is nothing behind it.
 */
async function goBack(releases: Trial['releases'], why: string, on: Ground): Promise<void> {
  const keep = releases.findIndex(({ isFirst }) => isFirst) + 1
  const kept = releases.slice(0, keep)
  const failed = releases.slice(keep)
  const newest = newestOf(releases).release
  if (failed.length > 0) {
    on.log.error(words.undoing(newest, why))
    const stoppedAt = on.clock.now()
    await on.program.stop({ by: 'roll-back', id: newest.id })
    await storeUndoing(failed, why, on)
    await takeBack(failed, on)
    const before = kept.at(-1)?.release.id ?? (await committedRelease(on))
    await startProgram(before, { by: 'roll-back', id: newest.id }, on)
    const downtimeMs = on.clock.now() - stoppedAt
    await patiently(newest.id, on, () => settle(on.site))
    for (const { release } of failed.toReversed()) {
      const reason = release === newest ? why : words.failedWith(newest.id, why)
      await endRelease(release, { result: 'rolled-back', why: reason }, downtimeMs, on)
    }
  }
  for (const { release, downtimeMs } of kept) {
    await endRelease(release, { result: 'committed', note: words.noteFirst }, downtimeMs, on)
  }
}

/** Oldest first: whatever is above one that is undoing is undone too, also after a power cut here. */
async function storeUndoing(failed: readonly OnTrial[], why: string, on: Ground): Promise<void> {
  for (const { release, downtimeMs } of failed) {
    const undoing: Undoing = { stage: 'undoing', release, why, downtimeMs }
    await patiently(release.id, on, () => storeStage(undoing, on.site))
  }
}

/** An orderly end of the daemon is not the release's fault: it does not count as a start. */
async function suspend(releases: Trial['releases'], on: Ground): Promise<void> {
  const newest = newestOf(releases)
  try {
    await storeStage({ ...newest, boots: newest.boots - 1 }, on.site)
  } catch (error) {
    if (!isExpected(error)) throw error
    on.log.warn(words.stuck(newest.release.id, messageOf(error), hintOf(error)))
  }
}

/** True when the trial's verdict is there. A turn of the event loop lets it arrive first. */
async function isDecided(trial: Trial): Promise<boolean> {
  return Promise.race([trial.verdict.then(() => true), nextTurn(false)])
}

function newestOf(releases: Trial['releases']): OnTrial {
  // The type says that there is one.
  return releases.at(-1) ?? releases[0]
}
