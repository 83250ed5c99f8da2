import { hintOf, isExpected, messageOf } from '../errors.ts'
import type { Claimed, Release } from '../model.ts'
import { claimInto, giveBack, sizeOf } from '../source/deposit/claim.ts'
import type { Snapshot } from '../source/deposit/scan.ts'
import { newestId } from '../update/history.ts'
import { dropRelease, filesOf, openRelease, storeStage } from '../update/store.ts'
import { words } from '../words.ts'
import { type Ground, patiently } from './ground.ts'

/**
 * Claims a complete upload: its files leave the deposit for the staging folder of a new release.
 * Null when it could not be done (a full disk, a file that changed): then all is in the deposit
 * again, and the log says why.
 */
export async function claim(snapshot: Snapshot, on: Ground): Promise<Claimed | null> {
  const { site, log } = on
  let release: Release | null = null
  try {
    const at = on.clock.wall().toISOString()
    const about = { from: 'deposit', at, ...sizeOf(snapshot) }
    release = await openRelease(about, await newestId(site), site)
    const changed = await claimInto(filesOf(release.id, site.paths).staging, snapshot, site)
    if (changed === null) {
      // Durable before the stage says so: else a restart could verify a part and take it for all.
      await site.disk.syncAll(site.paths.releases)
      const claimed: Claimed = { stage: 'claimed', release, attempt: 1 }
      await storeStage(claimed, site)
      log.info(words.claimed(release))
      return claimed
    }
    log.info(words.changedWhileClaimed(changed))
  } catch (error) {
    if (!isExpected(error)) throw error
    log.error(words.claimFailed(messageOf(error), hintOf(error)))
  }
  if (release !== null) await unclaim(release, on)
  return null
}

/** Puts a half-made claim back into the deposit: it will be claimed again as one. */
export async function unclaim(release: Release, on: Ground): Promise<void> {
  const { site } = on
  await patiently(release.id, on, async () => {
    await giveBack(filesOf(release.id, site.paths).staging, site)
    await site.disk.syncAll(site.paths.deposit)
    await dropRelease(release.id, site)
  })
}
