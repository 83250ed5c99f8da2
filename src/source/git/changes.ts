import type { Git } from './call.ts'

/** What is between two commits for one path, relative to main. */
export type Change = {
  readonly path: string
  /** The file is not there any more; else it is as it is written. */
  readonly isGone: boolean
  /** There was none of this name before. */
  readonly isNew: boolean
  /** The kind it had before, like `mode`. */
  readonly oldMode: string
  /** The object that held what it had before. */
  readonly old: string
  /** The kind it has now, in git's numbers; `000000`: none. */
  readonly mode: string
  /** The object that holds what it has now. */
  readonly blob: string
}

/** The kinds of git: git-fast-import(1), filemodify. */
export const modes = { file: '100644', executable: '100755', link: '120000', module: '160000' }

/** What is between two commits, by path. Null: git does not tell (an object is missing). */
export async function changesBetween(old: string, now: string, git: Git): Promise<Change[] | null> {
  const asked = ['diff-tree', '-r', '-z', '--no-renames', '--no-abbrev', '--raw', old, now]
  const { code, out } = await git(asked)
  return code === 0 ? parseChanges(out) : null
}

/** Reads `git diff-tree --raw -z`: `:MODE MODE OBJECT OBJECT STATUS`, then the path. */
export function parseChanges(text: string): Change[] {
  const parts = text.split('\0')
  const changes: Change[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [oldMode = '', mode = '', old = '', blob = ''] = (parts[at] ?? '').slice(1).split(' ')
    const path = parts[at + 1] ?? ''
    const isGone = mode === '000000'
    changes.push({ path, isGone, isNew: oldMode === '000000', oldMode, old, mode, blob })
  }
  return changes
}
