import { closeSync, constants, fsyncSync, openSync } from 'node:fs'
import { open, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes a file for this user alone, anew or at its end, and makes its content durable; its name is not yet. */
export async function writeDurably(
  path: string,
  data: string | Buffer,
  how: 'w' | 'a' = 'w',
): Promise<void> {
  const file = await open(path, how, 0o600)
  try {
    await file.writeFile(data)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a folder durable. */
export async function syncDir(path: string | Buffer): Promise<void> {
  await sync(path, constants.O_DIRECTORY)
}

/**
 * Makes a folder and all that is below it durable, if that is little; the answer is false where it is
 * more, or not all of it may be read. Then nothing is promised.
 */
export async function syncSmallTree(path: string): Promise<boolean> {
  try {
    const found = await listed(path, [])
    if (found === null) return false
    // Side by side: a file system writes its journal once for all that ask at the same time.
    await Promise.all(found.map(({ path, flag }) => sync(path, flag)))
    return true
  } catch {
    return false
  }
}

/** A release of one file is six files and folders. */
const small = 16

/** What can be made durable by itself: a file or a folder, and the flag it is opened with. */
type Found = { readonly path: string; readonly flag: number }

/** `found`, and a folder with all that is below it; null: too much. A link is in its folder's names. */
async function listed(folder: string, found: readonly Found[]): Promise<readonly Found[] | null> {
  let all: readonly Found[] = [...found, { path: folder, flag: constants.O_DIRECTORY }]
  for await (const entry of await opendir(folder)) {
    if (all.length >= small) return null
    const path = join(folder, entry.name)
    if (entry.isFile()) all = [...all, { path, flag: constants.O_NOFOLLOW }]
    const below = entry.isDirectory() ? await listed(path, all) : all
    if (below === null) return null
    all = below
  }
  return all
}

async function sync(path: string | Buffer, flag: number): Promise<void> {
  const file = await open(path, constants.O_RDONLY | flag)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the content of a file durable. */
export function syncFile(path: Buffer): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
