import { join } from 'node:path'
import type { Mistake } from '../model.ts'
import type { Tree } from './verify.ts'

/** The common mistake in an upload without the entry; null when it is none of these. */
export function mistakeIn(staged: Tree, entry: string): Mistake | null {
  const names = staged.list('')
  const inOtherCase = names.find((name) => name.toLowerCase() === entry.toLowerCase())
  if (inOtherCase !== undefined) return { is: 'case', path: inOtherCase }
  const folder = names
    .filter((name) => staged.kind(name) === 'dir')
    .find((name) => staged.kind(join(name, entry)) === 'file')
  return folder === undefined ? null : { is: 'folder', path: join(folder, entry), folder }
}
