import { hintOf, isExpected, isOutOfSpace, messageOf, withHint } from '../errors.ts'
import type { Claimed, Release } from '../model.ts'
import type { Incoming } from '../source/git/judgement.ts'
import { newestId } from '../update/history.ts'
import { dropRelease, filesOf, openRelease, storeStage } from '../update/store.ts'
import { gitWords } from '../words-git.ts'
import { expectCheck } from './check.ts'
import { type Ground, makeRoom, patiently } from './ground.ts'

/**
 * Makes a commit a release: what it changes is written from the repository into a staging folder, and main
 * is not touched. Null when that cannot be done now; then it is looked for again after a while.
 */
export async function claimCommit(incoming: Incoming, on: Ground): Promise<Claimed | null> {
  const { site, log, git } = on
  let release: Release | null = null
  expectCheck(incoming.put, on)
  try {
    release = await open(incoming, on)
    await git.take(incoming, filesOf(release.id, site.paths).staging)
    // Durable before the stage says so: else a restart could verify a part and take it for all.
    await site.disk.syncTree(site.paths.releases)
    const claimed: Claimed = { stage: 'claimed', release, attempt: 1 }
    await storeStage(claimed, site)
    const { files, bytes } = release
    const text = gitWords.claimed(release.id, incoming.move, files, bytes)
    log.info(text)
    on.answer(text)
    return claimed
  } catch (error) {
    if (!isExpected(error)) throw error
    const why = gitWords.notClaimed(messageOf(error))
    await git.postpone({ why, ...withHint(hintOf(error)) })
    if (isOutOfSpace(error)) await makeRoom(on)
  }
  const left = release
  if (left !== null) await patiently(left.id, on, () => dropRelease(left.id, site))
  return null
}

async function open(
  { move, put, bytes, noReboot }: Incoming,
  { site, clock }: Ground,
): Promise<Release> {
  const at = clock.wall().toISOString()
  const found = { from: 'git', commit: move, at, files: put.length, bytes } as const
  const about = noReboot === true ? { ...found, noReboot } : found
  return openRelease(about, await newestId(site), site)
}
