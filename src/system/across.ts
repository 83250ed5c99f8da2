import { lstatSync } from 'node:fs'
import { copyFile, readlink, rename, symlink, unlink, utimes } from 'node:fs/promises'
import { codeOf, OperationalError } from '../errors.ts'
import { syncDir, syncFile } from './durable.ts'

/** What the name of a copy ends in while `moveAcross` makes it on another file system. */
export const movingSuffix = '.ota-new'

/**
 * Moves one file, link or the like to another file system: it is copied to a temporary name, made
 * durable and renamed, and only then is the old one removed. Fails with `EBUSY` when it is changed
 * meanwhile.
 */
export async function moveAcross(from: Buffer, to: Buffer): Promise<void> {
  await copyAcross(from, to)
  await syncDir(parentOf(to))
  await unlink(from)
}

async function copyAcross(from: Buffer, to: Buffer): Promise<void> {
  const before = lstatSync(from, { bigint: true })
  const temporary = besides(to)
  await unlinkIfThere(temporary)
  if (before.isSymbolicLink()) {
    await symlink(await readlink(from, 'buffer'), temporary)
  } else if (before.isFile()) {
    await copyFile(from, temporary)
    await utimes(temporary, Number(before.atimeMs) / 1000, Number(before.mtimeMs) / 1000)
    syncFile(temporary)
  } else {
    // A FIFO, socket or device means nothing elsewhere; its name is enough to refuse it.
    await symlink('special file', temporary)
  }
  const after = lstatSync(from, { bigint: true })
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    await unlinkIfThere(temporary)
    throw new OperationalError(`${from.toString()} was changed while it was copied`, {
      code: 'EBUSY',
      path: from.toString(),
    })
  }
  try {
    await rename(temporary, to)
  } catch (error) {
    // A name may be refused that was fine with the suffix: NTFS takes no dot or blank at its end.
    await unlinkIfThere(temporary)
    throw error
  }
}

/** The name of a copy under way; a name takes 255 bytes at most (NAME_MAX). */
function besides(path: Buffer): Buffer {
  const suffix = Buffer.from(movingSuffix)
  const longest = parentOf(path).length + 1 + 255 - suffix.length
  return Buffer.concat([path.subarray(0, longest), suffix])
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf('/'))
}

async function unlinkIfThere(path: Buffer): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
