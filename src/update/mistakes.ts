import { join } from 'node:path'
import { releaseWords } from '../words-release.ts'
import type { Tree } from './verify.ts'

/**
 * Names the common mistake in an upload that brings no program: the folder instead of what is in it,
 * or the wrong case. Null when it is none of these.
 */
export function mistakeIn(staged: Tree, entry: string): string | null {
  const names = staged.list('')
  const inOtherCase = names.find((name) => name.toLowerCase() === entry.toLowerCase())
  if (inOtherCase !== undefined) return releaseWords.wrongCase(inOtherCase, entry)
  const folder = names
    .filter((name) => staged.kind(name) === 'dir')
    .find((name) => staged.kind(join(name, entry)) === 'file')
  return folder === undefined ? null : releaseWords.folderUploaded(folder, entry)
}
