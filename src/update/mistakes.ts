import { join } from 'node:path'
import type { Disk } from '../system/disk.ts'
import { words } from '../words.ts'

/**
 * Names the common mistake in an upload that brings no program: the folder instead of what is in it,
 * or the wrong case. Null when it is none of these.
 */
export function mistakeIn(staging: string, entry: string, disk: Disk): string | null {
  const names = disk.list(staging)
  const inOtherCase = names.find((name) => name.toLowerCase() === entry.toLowerCase())
  if (inOtherCase !== undefined) return words.wrongCase(inOtherCase, entry)
  const folder = names
    .filter((name) => disk.kind(join(staging, name)) === 'dir')
    .find((name) => disk.kind(join(staging, name, entry)) === 'file')
  return folder === undefined ? null : words.folderUploaded(folder, entry)
}
