import { join } from 'node:path'
import { type DepositSite, unholdableFolder } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { safeName } from '../../system/safe-name.ts'
import { type Entry, placeIn } from './scan.ts'

/** Moves entries of the deposit into a staging folder; the answer is where each lies now, relative to it. */
export type Placing = (entry: Entry) => Promise<Buffer>

/**
 * A staging folder may be on another file system than the deposit, and that one may be unable to hold a name,
 * or to tell two of them apart. Such a file comes along all the same, under a safe name in
 * `unholdableFolder`, and the release is refused for it: left in the deposit it would block all uploads.
 */
export function openPlacing(staging: string, { disk, paths }: DepositSite): Placing {
  /** Folders that could not be made, as Latin-1: a name need not be UTF-8. */
  const missing = new Set<string>()
  let setAside = 0

  async function place({ raw, kind }: Entry, at: Buffer): Promise<void> {
    if (kind === 'dir') disk.makeDir(at)
    else await disk.move(placeIn(paths.deposit, raw), at)
  }

  async function placed(entry: Entry): Promise<boolean> {
    const at = placeIn(staging, entry.raw)
    const parts = entry.raw.toString('latin1').split('/').slice(0, -1)
    if (parts.some((_, index) => missing.has(parts.slice(0, index + 1).join('/')))) return false
    try {
      if (entry.kind !== 'dir' && disk.kind(at) !== null) return false
      await place(entry, at)
      return true
    } catch (error) {
      if (!isAboutName(error, entry)) throw error
      if (entry.kind === 'dir') missing.add(entry.raw.toString('latin1'))
      return false
    }
  }

  return async (entry) => {
    if (await placed(entry)) return entry.raw
    setAside += 1
    const safe = Buffer.from(join(unholdableFolder, safeName(entry.raw, setAside)))
    disk.makeDir(join(staging, unholdableFolder))
    await place(entry, placeIn(staging, safe))
    return safe
  }
}

/**
 * What file systems say of names: EINVAL (NTFS, FAT), EILSEQ (not UTF-8), ENAMETOOLONG (eCryptfs). Of a
 * folder Node's recursive mkdir makes ENOENT of some of them.
 */
function isAboutName(error: unknown, { kind }: Entry): boolean {
  const codes = ['EINVAL', 'EILSEQ', 'ENAMETOOLONG', ...(kind === 'dir' ? ['ENOENT'] : [])]
  return codes.includes(codeOf(error))
}
