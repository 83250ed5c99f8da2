import type { DepositSite } from '../../config.ts'
import type { Clock } from '../../model.ts'
import { type ForcedCloses, forcedCloses } from '../../system/journal.ts'
import { placeIn, type Snapshot } from './scan.ts'
import type { Seen } from './settle.ts'

/** Tells which file of an upload was cut off by a broken connection; null when none is known. */
export type CutOff = (snapshot: Snapshot, seen: Seen) => Promise<string | null>

/**
 * Opens the question. A file that was cut off is closed like a whole one, and only the SFTP server
 * knows better. So its log is read: once for each state of the deposit, and only if it may have served.
 */
export function openCutOff({ paths, config, disk }: DepositSite, clock: Clock): CutOff {
  const limits = config.deposit
  let asked: { readonly fingerprint: string; readonly path: string | null } | null = null

  /** True when what the client called `said` is this file of the deposit. */
  function isHere(said: string, path: string): boolean {
    const tail = `/${path}`
    // Without a slash it is relative to where the session began, mostly the user's home.
    if (!said.startsWith('/')) {
      return `/${said}`.endsWith(tail) && `${paths.deposit}${tail}`.endsWith(`/${said}`)
    }
    if (!said.endsWith(tail)) return false
    const root = said.slice(0, -tail.length)
    // What is not there for us is seen from inside of a chroot, where all names are shorter.
    return root === '' || disk.isSame(root, paths.deposit) !== false
  }

  function firstOf(cut: ForcedCloses, { entries }: Snapshot): string | null {
    const found = entries.find(({ path, raw }) =>
      [...cut].some(([said, at]) => {
        if (!isHere(said, path)) return false
        // Changed since, but not over SFTP (rsync, cp): that is another upload.
        const changedAt = disk.changedAt(placeIn(paths.deposit, raw))
        return changedAt !== null && changedAt <= at + limits.journalSkewMs
      }),
    )
    return found?.path ?? null
  }

  return async (snapshot, { maybeSftp, beganAt }) => {
    const { fingerprint, hasContent } = snapshot
    if (asked?.fingerprint === fingerprint) return asked.path
    if (!maybeSftp || !hasContent) return null
    const sinceMs = clock.now() - beganAt + limits.journalMarginMs
    const cut = await forcedCloses(sinceMs, limits.journalMs)
    asked = { fingerprint, path: cut === null ? null : firstOf(cut, snapshot) }
    return asked.path
  }
}
