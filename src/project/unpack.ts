import { join } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'
import type { Claimed } from '../model.ts'
import { unpackArchive } from '../python/unpack.ts'
import { filesOf, storeStage } from '../update/store.ts'
import type { Refused } from '../update/verify.ts'
import { words } from '../words.ts'
import type { Ground } from './ground.ts'

/**
 * A release that is one archive becomes what is in it: the archive moves to `packed/`, its contents
 * take its place in staging. A restart in between begins anew. Any other release stays as it is.
 */
export async function unpack(claimed: Claimed, on: Ground): Promise<Claimed | Refused> {
  const { disk, paths, config } = on.site
  const { staging, packed, unpacked } = filesOf(claimed.release.id, paths)
  // The power failed between the two renames below.
  if (disk.kind(staging) === null) disk.rename(packed, staging)
  // Unpacked before: an archive that was in it is just a file.
  if (disk.kind(packed) !== null) return claimed
  const [name, ...others] = disk.list(staging)
  if (name === undefined || others.length > 0 || !config.deposit.archives.includes(name))
    return claimed
  const archive = join(staging, name)
  if (disk.kind(archive) !== 'file') return claimed

  await disk.removeTree(unpacked)
  disk.makeDir(unpacked)
  const result = await tryToUnpack(archive, unpacked, on)
  if ('broken' in result || 'refused' in result) {
    await disk.removeTree(unpacked)
    const isBroken = 'broken' in result
    const why = isBroken ? words.archiveBroken(name, result.broken) : `${name}: ${result.refused}`
    return { refused: why, mayBeCutOff: isBroken }
  }
  await disk.syncAll(unpacked)
  disk.rename(staging, packed)
  disk.rename(unpacked, staging)
  const release = { ...claimed.release, ...result }
  await storeStage({ ...claimed, release }, on.site)
  return { ...claimed, release }
}

async function tryToUnpack(archive: string, into: string, on: Ground) {
  try {
    return await unpackArchive(archive, into, on.site.config.verify, on.python)
  } catch (error) {
    if (codeOf(error) !== 'EUNPACK') throw error
    return { refused: messageOf(error) }
  }
}
