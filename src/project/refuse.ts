import type { Claimed } from '../model.ts'
import type { Deposit } from '../source/deposit/deposit.ts'
import type { Upload } from '../source/deposit/judgement.ts'
import { gitWords } from '../words-git.ts'
import { packageWords } from '../words-packages.ts'
import { unclaim } from './claim.ts'
import { endRelease, type Ground } from './ground.ts'

/** A claimed release with its upload, as long as that may go back to the deposit to be completed. */
export type Queued = { readonly claimed: Claimed; readonly upload: Upload | null }

/**
 * Ends a refused release; but one that may be a part of an upload goes back to the deposit for a
 * while: uploads that broke off are often resumed.
 */
export async function refuse(
  { claimed, upload }: Queued,
  { why, mayBeCutOff }: { readonly why: string; readonly mayBeCutOff: boolean },
  deposit: Deposit,
  on: Ground,
): Promise<void> {
  if (upload?.mayWait && mayBeCutOff) {
    await unclaim(claimed.release, on)
    await deposit.holdBack(upload, why)
  } else {
    await endRelease(claimed.release, { result: 'rejected', why }, 0, on)
  }
}

/**
 * The network is gone: back to where it came from, to be tried again; into the deposit not for ever
 * (`giveUpMs`).
 */
export async function postpone(
  { claimed, upload }: Queued,
  why: string,
  deposit: Deposit,
  on: Ground,
): Promise<void> {
  const { release } = claimed
  if (release.from === 'git') {
    await on.git.postpone({ why: gitWords.refusedForNow(release.id, why) })
    return unclaim(release, on)
  }
  if (upload !== null && upload.heldMs >= on.site.config.python.giveUpMs) {
    return endRelease(release, { result: 'rejected', why }, 0, on)
  }
  const text = packageWords.refusedForNow(release.id, why)
  on.log.error(text)
  on.answer(text)
  await unclaim(release, on)
  if (upload !== null) await deposit.holdForNetwork(upload)
}
