import { hintOf, isExpected, messageOf } from '../errors.ts'
import type { Claimed, Claiming, OnTrial, Release, ReleaseId, Stage } from '../model.ts'
import { settle } from '../update/apply.ts'
import { filesOf, readPlan, readReleases, storeStage, sweepGone } from '../update/store.ts'
import { tidy } from '../update/tidy.ts'
import { undo } from '../update/undo.ts'
import { depositWords } from '../words-deposit.ts'
import { gitWords } from '../words-git.ts'
import { releaseWords } from '../words-release.ts'
import { committedRelease } from './back.ts'
import { putBack } from './claim.ts'
import { endRelease, type Ground, patiently } from './ground.ts'
import { choosePackages } from './packages.ts'
import { tellAgain } from './tell-again.ts'

/** What the last session left to be walked. Everything else it left is finished by `recover`. */
export type Left = {
  /** Half claimed, and the deposit's disk is too full to take it back now. */
  readonly claiming: readonly Claiming[]
  /** To be verified again, oldest first. */
  readonly claimed: readonly Claimed[]
  /** In main, and not proved yet; oldest first. */
  readonly onTrial: readonly OnTrial[]
}

/**
 * Reads the stages on disk and brings main to a state that one of them names. To be called while the
 * program does not run. It may itself be cut off at any step, and called again.
 */
export async function recover(on: Ground): Promise<Left> {
  await sweepGone(on.site)
  await on.git.sweep()
  const found = await readReleases(on.site)
  const stages = await Promise.all(found.map(({ id, stage }) => stage ?? guess(id, on)))
  const lowestUndoing = stages.findIndex(({ stage }) => stage === 'undoing')
  const claiming: Claiming[] = []
  const claimed: Claimed[] = []
  const onTrial: OnTrial[] = []
  // Newest first: what lies above must be out of main before what lies below can be.
  for (const [index, stage] of [...stages.entries()].toReversed()) {
    const mustGo = lowestUndoing >= 0 && index > lowestUndoing
    const left = await finish(stage, mustGo, on)
    if (left?.stage === 'claiming') claiming.unshift(left)
    if (left?.stage === 'claimed') claimed.unshift(left)
    if (left?.stage === 'on-trial') onTrial.unshift(left)
  }
  const newest = onTrial.at(-1)
  if (newest !== undefined) await on.git.follow(newest.release, true)
  return { claiming, claimed, onTrial }
}

/** Does what a restart does with a release in this stage; the answer is what is left of it. */
async function finish(
  stage: Stage,
  mustGo: boolean,
  on: Ground,
): Promise<Claimed | Claiming | OnTrial | null> {
  switch (stage.stage) {
    case 'claiming':
      return (await isPutBack(stage.release, on)) ? null : stage
    case 'claimed':
      return stage
    case 'applying': {
      await backOut(stage.release, on)
      // After a power cut something may have started what was half of it.
      if (!mustGo) await tellOld(null, on)
      return retry(stage.release, stage.attempt + 1, on)
    }
    case 'on-trial':
      if (!mustGo) return stage
      await backOut(stage.release, on)
      await endRelease(stage.release, gone(releaseWords.interrupted), stage.downtimeMs, on)
      return null
    case 'undoing':
      await backOut(stage.release, on)
      if (!mustGo) await tellOld(stage.release, on)
      await endRelease(stage.release, gone(stage.why), stage.downtimeMs, on)
      return null
    case 'ended':
      await patiently(stage.release.id, on, () => tidy(stage, on.site))
      return null
  }
}

/** A half-made claim goes back to the deposit; but the program need not wait until it can. */
async function isPutBack(release: Release, on: Ground): Promise<boolean> {
  try {
    const isBack = await putBack(release, on)
    const text = release.from === 'git' ? gitWords.dropped : depositWords.givenBack
    if (isBack) on.log.warn(text(release.id))
    return true
  } catch (error) {
    if (!isExpected(error)) throw error
    on.log.error(releaseWords.stuck(release.id, messageOf(error), hintOf(error)))
    return false
  }
}

/** The last to go is out: what something else runs is to be what is in main again. */
async function tellOld(undone: Release | null, on: Ground): Promise<void> {
  if (on.elsewhere === null) return
  await choosePackages(on)
  await tellAgain(await committedRelease(on), undone, on)
}

async function backOut(release: Release, on: Ground): Promise<void> {
  await patiently(release.id, on, async () => {
    undo(release, await readPlan(release.id, on.site), on.site)
    await settle(on.site)
  })
  await on.git.follow(release, false)
}

/** The power failed, not the release: it gets another try, but not for ever. */
async function retry(release: Release, attempt: number, on: Ground): Promise<Claimed | null> {
  const { maxAttempts } = on.site.config.trial
  if (attempt > maxAttempts) {
    await endRelease(release, gone(releaseWords.tooManyAttempts(maxAttempts)), 0, on)
    return null
  }
  on.log.warn(releaseWords.retried(release))
  const claimed: Claimed = { stage: 'claimed', release, attempt }
  await patiently(release.id, on, () => storeStage(claimed, on.site))
  return claimed
}

/** A release whose record is missing or unreadable: what must be true for its files to be safe. */
async function guess(id: ReleaseId, on: Ground): Promise<Stage> {
  const { disk, paths } = on.site
  const release: Release = {
    id,
    from: 'deposit',
    at: on.clock.wall().toISOString(),
    files: 0,
    bytes: 0,
  }
  const { plan, staging } = filesOf(id, paths)
  if (disk.kind(plan) === null || disk.kind(staging) === null) return { stage: 'claiming', release }
  const why = releaseWords.unreadable
  on.log.error(releaseWords.undoing(release, why))
  return { stage: 'undoing', release, why, downtimeMs: 0 }
}

function gone(why: string): { readonly result: 'rolled-back'; readonly why: string } {
  return { result: 'rolled-back', why }
}
