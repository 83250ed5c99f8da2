import { dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Claimed, ReleaseId } from '../model.ts'
import { unpackArchive } from '../python/unpack.ts'
import { nameKinds } from '../source/deposit/names.ts'
import { walk } from '../source/deposit/scan.ts'
import { filesOf, storeStage } from '../update/store.ts'
import type { Refused } from '../update/verify.ts'
import { releaseWords } from '../words-release.ts'
import type { Ground } from './ground.ts'

/**
 * A release that is one archive becomes what is in it: the archive moves to `packed/`, its contents
 * take its place in staging. A restart in between begins anew. Any other release stays as it is.
 */
export async function unpack(claimed: Claimed, on: Ground): Promise<Claimed | Refused> {
  const { disk, paths, config } = on.site
  const { staging, packed, unpacked } = filesOf(claimed.release.id, paths)
  // An archive in a repository is what it is.
  if (claimed.release.from !== 'deposit') return claimed
  if (disk.kind(packed) !== null) {
    // It is done already; what came out may be an archive again, and is not unpacked.
    if (disk.kind(staging) !== null) return claimed
    // The power failed between the two renames below.
    await repack(claimed.release.id, on.site)
  }
  const [name, ...others] = disk.list(staging)
  if (name === undefined || others.length > 0 || !config.deposit.archives.includes(name))
    return claimed
  const archive = join(staging, name)
  if (disk.kind(archive) !== 'file') return claimed

  await disk.removeTree(unpacked)
  disk.makeDir(unpacked)
  const result = await tryToUnpack(archive, unpacked, on)
  on.orders.call().throwIfAborted()
  if ('broken' in result || 'refused' in result) {
    await disk.removeTree(unpacked)
    const isBroken = 'broken' in result
    const why = isBroken
      ? releaseWords.archiveBroken(name, result.broken)
      : `${name}: ${result.refused}`
    return { refused: why, mayBeCutOff: isBroken }
  }
  await removeJunkIn(unpacked, on.site)
  await disk.syncAll(unpacked)
  disk.rename(staging, packed)
  disk.rename(unpacked, staging)
  const release = { ...claimed.release, ...result }
  await storeStage({ ...claimed, release }, on.site)
  return { ...claimed, release }
}

/** What editors, syncers and Python leave behind gets into archives too, as does what is never deployed. */
async function removeJunkIn(folder: string, { disk, config }: Site): Promise<void> {
  const kindOf = nameKinds(config)
  const mustGo = (path: string) => ['junk', 'ignored'].includes(kindOf(path))
  for await (const { path, kind } of walk(folder, config.verify.maxPathBytes)) {
    if (!mustGo(path) || mustGo(dirname(path))) continue
    if (kind === 'dir') await disk.removeTree(join(folder, path))
    else disk.unlink(join(folder, path))
  }
}

/** Puts the archive that a release came in into the place of what came out of it, if there is one. */
export async function repack(id: ReleaseId, { disk, paths }: Site): Promise<void> {
  const { staging, packed } = filesOf(id, paths)
  if (disk.kind(packed) === null) return
  await disk.removeTree(staging)
  disk.rename(packed, staging)
}

async function tryToUnpack(archive: string, into: string, on: Ground) {
  try {
    return await unpackArchive(archive, into, on.site.config.verify, on.python, on.orders.call())
  } catch (error) {
    // Also on a full disk: half an archive would fill it for the program, and for all uploads.
    if (!['EUNPACK', 'ENOSPC'].includes(codeOf(error))) throw error
    return { refused: messageOf(error) }
  }
}
