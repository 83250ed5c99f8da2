import type { Kind } from '../../system/disk.ts'
import type { Git } from './call.ts'
import { type Change, parseChanges } from './changes.ts'

/** What a comparison of main with its commit has found, for the paths that a new commit changes. */
export type Edited = {
  /** Files that git keeps and that are not as their commit has them. */
  readonly edited: readonly string[]
  /** The same, of which git has been told not to look at them; it would not save them either. */
  readonly hidden: readonly string[]
  /** Files that are already as the new commit has them, whoever has made them so. */
  readonly isSame: ReadonlySet<string>
}

/**
 * Compares main with the commit it is at, and with the new one, where that changes something. Null: git
 * does not tell.
 */
export async function findEdited(
  changes: readonly Change[],
  kindOf: (path: string) => Kind | null,
  git: Git,
): Promise<Edited | null> {
  const differing = await findDiffering(git)
  const unwatched = await findUnwatched(git)
  if (differing === null || unwatched === null) return null
  const inDoubt = changes.filter(({ path, isNew }) => {
    return (isNew || differing.has(path) || unwatched.has(path)) && kindOf(path) === 'file'
  })
  const isSame = await alreadyThere(inDoubt, ({ blob }) => blob, git)
  const isOld = await alreadyThere(inDoubt, ({ old }) => old, git)
  const edited = changes.filter(({ path, isNew, isGone }) => {
    const how = differing.get(path)
    const isDone = isGone ? kindOf(path) === null : isSame.has(path)
    return !isNew && how !== undefined && !isDone && !(how === 'contents' && isOld.has(path))
  })
  const hidden = changes.filter(({ path }) => {
    return unwatched.has(path) && kindOf(path) !== null && !isSame.has(path) && !isOld.has(path)
  })
  const pathsOf = (found: readonly Change[]) => found.map(({ path }) => path)
  return { edited: pathsOf(edited), hidden: pathsOf(hidden), isSame }
}

/**
 * The paths of which git says that they are not as in their commit. `contents`: nothing else of the file is
 * another, and git may be wrong: it compares what its filters would make of it (line ends).
 */
async function findDiffering(git: Git): Promise<Map<string, 'contents' | 'more'> | null> {
  const asked = ['diff', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff']
  const differing = new Map<string, 'contents' | 'more'>()
  // Against the files, and against what somebody has put into the index.
  for (const where of [[], ['--cached']]) {
    const { code, out } = await git([...asked, '--ignore-submodules=all', ...where, 'HEAD'])
    if (code !== 0) return null
    for (const { path, oldMode, mode } of parseChanges(out)) {
      differing.set(path, where.length === 0 && mode === oldMode ? 'contents' : 'more')
    }
  }
  return differing
}

/** The paths that git was told not to look at: `S` is skip-worktree, a small letter assume-unchanged. */
async function findUnwatched(git: Git): Promise<ReadonlySet<string> | null> {
  const { code, out } = await git(['ls-files', '-v', '-z'])
  if (code !== 0) return null
  const rows = out.split('\0').filter((row) => /^[Sa-z] /.test(row))
  return new Set(rows.map((row) => row.slice(2)))
}

/** The files that are one of their objects, byte by byte. */
async function alreadyThere(
  changes: readonly Change[],
  objectOf: (change: Change) => string,
  git: Git,
): Promise<ReadonlySet<string>> {
  // A quoted path would be taken for another.
  const asked = changes.filter(({ path }) => !/^"|\n/.test(path))
  if (asked.length === 0) return new Set()
  const input = asked.map(({ path }) => `${path}\n`).join('')
  const { out } = await git(['hash-object', '--no-filters', '--stdin-paths'], { input })
  const found = out.split('\n')
  return new Set(asked.filter((one, at) => found[at] === objectOf(one)).map(({ path }) => path))
}
