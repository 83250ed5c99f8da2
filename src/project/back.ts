import type { Cause, OnTrial, Release, ReleaseId, Verified } from '../model.ts'
import { settle } from '../update/apply.ts'
import { lastCommitted, readHistory } from '../update/history.ts'
import { reviveJournal } from '../update/journals.ts'
import { readPlan, storeStage } from '../update/store.ts'
import { undo } from '../update/undo.ts'
import { releaseWords } from '../words-release.ts'
import { downSince, endRelease, type Ground, patiently, startProgram } from './ground.ts'
import { tellAgain } from './tell-again.ts'
import { beginTrial, newestOf, type Trial } from './trial.ts'

/**
 * The way back from a failed trial: to the last release that passed its own, so all on trial are
 * undone. A release that found no program before it is kept: there is nothing behind it.
 */
export async function goBack(releases: Trial['releases'], why: string, on: Ground): Promise<void> {
  const keep = releases.findIndex(({ isFirst }) => isFirst) + 1
  const kept = releases.slice(0, keep)
  const failed = releases.slice(keep).map(({ release }) => release)
  const newest = newestOf(releases).release
  if (failed.length > 0) {
    on.log.error(releaseWords.undoing(newest, why))
    const cause: Cause = { by: 'roll-back', id: newest.id }
    const stoppedAt = on.clock.now()
    await on.program.stop(cause)
    await storeUndoing(releases.slice(keep), why, on)
    const downtimeMs = await leave(failed, kept.at(-1)?.release.id, cause, stoppedAt, on)
    for (const release of failed.toReversed()) {
      const reason = release === newest ? why : releaseWords.failedWith(newest.id, why)
      await endRelease(release, { result: 'rolled-back', why: reason }, downtimeMs, on)
    }
  }
  for (const { release, downtimeMs } of kept) {
    await endRelease(release, { result: 'committed', note: releaseWords.noteFirst }, downtimeMs, on)
  }
}

/**
 * Undoes committed releases by their journals; `releases` are the newest that main holds, newest
 * first. A power cut leaves some of them undone, newest first, and never one half.
 */
export async function rollBack(
  releases: readonly Release[],
  why: string,
  on: Ground,
): Promise<void> {
  for (const release of releases) {
    await patiently(release.id, on, () => reviveJournal(release, why, on.site))
  }
  const stoppedAt = on.clock.now()
  const cause: Cause = { by: 'operator', does: 'rollback' }
  await on.program.stop(cause)
  const before = lastCommitted(await readHistory(on.site), new Set(releases.map(({ id }) => id)))
  const downtimeMs = await leave(releases.toReversed(), before, cause, stoppedAt, on)
  for (const release of releases) {
    await endRelease(release, { result: 'rolled-back', why }, downtimeMs, on)
  }
}

/** Apply failed half-way: only this release goes back, and a trial that it ended begins anew. */
export async function backFromApply(
  verified: Verified,
  trial: Trial | null,
  why: string,
  stoppedAt: number,
  on: Ground,
): Promise<Trial | null> {
  const { release } = verified
  on.log.error(releaseWords.undoing(release, why))
  await on.program.stop({ by: 'roll-back', id: release.id })
  // Stored as `applying` still, which a restart undoes as well.
  await takeBack([release], on)
  const cause: Cause = { by: 'roll-back', id: release.id }
  // What something else runs has not heard of it yet.
  if (trial === null) await startProgram(await committedRelease(on), cause, on)
  const again = trial === null ? null : await beginTrial(trial.releases, cause, on)
  await patiently(release.id, on, () => settle(on.site))
  await endRelease(release, { result: 'rolled-back', why }, downSince(stoppedAt, on), on)
  return again
}

/** The release whose files main holds now, apart from those on trial. */
export async function committedRelease(on: Ground): Promise<ReleaseId> {
  return lastCommitted(await readHistory(on.site))
}

/** Starts what main holds, with nothing on trial. */
export async function startAgain(cause: Cause, on: Ground): Promise<void> {
  const release = await committedRelease(on)
  await startProgram(release, cause, on)
  await tellAgain(release, null, on)
}

/**
 * The program is down: takes releases (oldest first) out of main and starts what was before. The
 * answer is how long the program was down, in milliseconds.
 */
async function leave(
  releases: readonly Release[],
  before: ReleaseId | undefined,
  cause: Cause,
  stoppedAt: number,
  on: Ground,
): Promise<number> {
  await takeBack(releases, on)
  const now = before ?? (await committedRelease(on))
  await startProgram(now, cause, on)
  const downtimeMs = downSince(stoppedAt, on)
  for (const release of releases.slice(-1)) {
    await patiently(release.id, on, () => settle(on.site))
    // Who is told may ask git what main is.
    if (on.elsewhere !== null) await followBack(releases, on)
    await tellAgain(now, release, on)
  }
  return downtimeMs
}

/** Has git say of main that none of the given releases (oldest first) is in it any more. */
async function followBack(releases: readonly Release[], on: Ground): Promise<void> {
  for (const release of releases.toReversed()) await on.git.follow(release, false)
}

/** Takes out of main what is in it of the given releases, newest first. */
async function takeBack(releases: readonly Release[], on: Ground): Promise<void> {
  for (const release of releases.toReversed()) {
    await patiently(release.id, on, async () => {
      undo(release, await readPlan(release.id, on.site), on.site)
    })
  }
}

/** Oldest first: whatever is above one that is undoing is undone too, also after a power cut here. */
async function storeUndoing(failed: readonly OnTrial[], why: string, on: Ground): Promise<void> {
  for (const { release, downtimeMs } of failed) {
    await patiently(release.id, on, () =>
      storeStage({ stage: 'undoing', release, why, downtimeMs }, on.site),
    )
  }
}
