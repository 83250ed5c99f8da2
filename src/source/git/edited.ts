import type { Kind } from '../../system/disk.ts'
import type { Git } from './call.ts'
import type { Change } from './changes.ts'

/** What a comparison of main with its commit has found, for the paths that a new commit changes. */
export type Edited = {
  /** Files that git keeps and that are not as their commit has them. */
  readonly edited: readonly string[]
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
  const quiet = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv']
  const differing = new Set<string>()
  // Against the files, and against what somebody has put into the index.
  for (const where of [[], ['--cached']]) {
    const asked = ['diff', ...quiet, '--ignore-submodules=all', ...where, 'HEAD']
    const { code, out } = await git(asked)
    if (code !== 0) return null
    for (const path of out.split('\0')) differing.add(path)
  }
  const inDoubt = changes.filter(({ path, isNew, isGone }) => {
    return !isGone && (isNew || differing.has(path)) && kindOf(path) === 'file'
  })
  const isSame = await alreadyThere(inDoubt, git)
  const edited = changes.filter(({ path, isNew, isGone }) => {
    const isDone = isGone ? kindOf(path) === null : isSame.has(path)
    return !isNew && differing.has(path) && !isDone
  })
  return { edited: edited.map(({ path }) => path), isSame }
}

async function alreadyThere(changes: readonly Change[], git: Git): Promise<ReadonlySet<string>> {
  const asked = changes.filter(({ path }) => !path.includes('\n'))
  if (asked.length === 0) return new Set()
  const input = asked.map(({ path }) => `${path}\n`).join('')
  const { out } = await git(['hash-object', '--no-filters', '--stdin-paths'], { input })
  const found = out.split('\n')
  return new Set(asked.filter(({ blob }, at) => found[at] === blob).map(({ path }) => path))
}
