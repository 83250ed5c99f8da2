import { withDeposit } from '../config.ts'
import { codeOf, hintOf, isExpected, isOutOfSpace, messageOf } from '../errors.ts'
import type { Claimed, Release } from '../model.ts'
import { giveBack, sizeOf } from '../source/deposit/claim.ts'
import type { Deposit } from '../source/deposit/deposit.ts'
import type { Snapshot } from '../source/deposit/scan.ts'
import { newestId } from '../update/history.ts'
import { dropRelease, filesOf, openRelease, storeStage } from '../update/store.ts'
import { depositWords } from '../words-deposit.ts'
import { expectCheck } from './check.ts'
import { endRelease, type Ground, makeRoom, patiently } from './ground.ts'
import { repack } from './unpack.ts'

/**
 * Claims a complete upload: its files leave the deposit for the staging folder of a new release.
 * When it cannot be done all is in the deposit again, and it is told why: `again` when a file has
 * changed, `later` when the system said no (a full disk).
 */
export async function claim(
  snapshot: Snapshot,
  deposit: Deposit,
  on: Ground,
): Promise<Claimed | 'again' | 'later'> {
  const { site, log } = on
  let release: Release | null = null
  let next: 'again' | 'later' = 'again'
  expectCheck(snapshot.entries, on)
  try {
    const at = on.clock.wall().toISOString()
    const { manifestId: manifest } = snapshot
    const found = { from: 'deposit', at, ...sizeOf(snapshot) } as const
    const about = manifest === undefined ? found : { ...found, manifest }
    release = await openRelease(about, await newestId(site), site)
    const changed = await deposit.claim(snapshot, filesOf(release.id, site.paths).staging)
    if (changed === null) {
      // Durable before the stage says so: else a restart could verify a part and take it for all.
      await site.disk.syncTree(site.paths.releases)
      const claimed: Claimed = { stage: 'claimed', release, attempt: 1 }
      await storeStage(claimed, site)
      log.info(depositWords.claimed(release))
      on.answer(depositWords.claimed(release))
      return claimed
    }
    log.info(depositWords.changedWhileClaimed(changed))
  } catch (error) {
    if (!isExpected(error)) throw error
    deposit.unclaimed(messageOf(error), hintOf(error) ?? hintFor(error))
    if (isOutOfSpace(error)) await makeRoom(on)
    next = 'later'
  }
  if (release !== null) await unclaim(release, on)
  return next
}

/**
 * Puts a claim back into the deposit, as it came and however long that takes: it will be claimed again
 * as one.
 */
export async function unclaim(release: Release, on: Ground): Promise<void> {
  await patiently(release.id, on, () => putBack(release, on))
}

/**
 * The same, once: fails when the system says no, and can be called again. The claim is half-made again
 * from here on: after a power cut what is left of it must not be taken for all. What comes from git only goes:
 * it is in the repository. False: there is no deposit any more, and it has ended as rejected.
 */
export async function putBack(release: Release, on: Ground): Promise<boolean> {
  const { site } = on
  if (release.from === 'git') {
    await dropRelease(release.id, site)
    return true
  }
  const place = withDeposit(site)
  // The settings have taken the deposit away meanwhile. What was claimed of it is kept with the refused.
  if (place === null) {
    await endRelease(release, { result: 'rejected', why: depositWords.noDeposit }, 0, on)
    return false
  }
  await storeStage({ stage: 'claiming', release }, site)
  await repack(release.id, site)
  await giveBack(filesOf(release.id, site.paths).staging, place)
  await site.disk.syncAll(place.paths.deposit)
  await dropRelease(release.id, site)
  return true
}

function hintFor(error: unknown): string | undefined {
  return ['EACCES', 'EPERM'].includes(codeOf(error)) ? depositWords.claimDenied : undefined
}
