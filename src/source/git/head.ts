import { ownInMain, type Site } from '../../config.ts'
import type { Release } from '../../model.ts'
import { isAnyoneIn } from '../../system/processes.ts'
import { firstLine } from '../../words-git.ts'
import { type Git, gitFolder } from './call.ts'

/** What came of moving HEAD. `elsewhere`: it is at neither of the two commits, by somebody's doing. */
export type Moved =
  | { readonly is: 'done' | 'elsewhere' }
  | { readonly is: 'failed'; readonly why: string }

/**
 * Moves what git says of main, its index and HEAD (with the branch that is checked out), from one commit to
 * another. No file of main is touched: they are there already. It can be cut off at any step, and done again
 * or taken back: the index comes first, so it may be ahead of HEAD.
 */
export async function moveHead(
  from: string,
  to: string,
  id: Release['id'],
  git: Git,
): Promise<Moved> {
  const head = (await git(['rev-parse', '--verify', '-q', 'HEAD^{commit}'])).out.trim()
  if (head !== to && head !== from) return { is: 'elsewhere' }
  // -i: the files need not be as the index says; what somebody has added to the index stays, and what is
  // as it shall be already.
  const merged = await git(['read-tree', '-i', '-m', from, to])
  if (merged.code !== 0 && head === to) return { is: 'done' }
  // What the commit itself changes cannot: it was saved.
  const indexed = merged.code === 0 ? merged : await git(['read-tree', to])
  if (indexed.code !== 0) return { is: 'failed', why: firstLine(indexed.err) }
  // Says how the files look that are as they should be. That others are not is no failure.
  await git(['update-index', '-q', '--refresh'])
  if (head === to) return { is: 'done' }
  const message = `ota-supervisor: ${id}`
  const moved = await git(['update-ref', '-m', message, 'HEAD', to, from])
  return moved.code === 0 ? { is: 'done' } : { is: 'failed', why: firstLine(moved.err) }
}

/** Keeps a commit that nothing else may lead to any more: a branch that was rewritten leaves it behind. */
export async function keepCommit(commit: string, git: Git): Promise<void> {
  await git(['update-ref', `refs/ota/left/${commit}`, commit])
}

/** Runs a command in main as the owner of the checkout: what it prints. */
export type Run = (argv: readonly string[], input?: string) => Promise<string>

/**
 * Removes the locks and half-written packs of a git that was killed; their names. Nothing is removed while
 * anybody's git works in main: they may be his.
 */
export async function sweepLocks(git: Git, run: Run, { paths, disk }: Site): Promise<string[]> {
  if (isAnyoneIn(disk.realPath(paths.main), /^git/)) return []
  const folder = await gitFolder(git)
  if (folder === '') return []
  const places = [
    ['(', '-path', `${folder}/*.lock`, '-not', '-path', `${folder}/*/*`, ')'],
    ['-o', '-path', `${folder}/refs/*.lock`],
    ['-o', '-path', `${folder}/objects/pack/tmp_*`],
  ].flat()
  const found = await run([
    'find',
    folder,
    '-xdev',
    '-type',
    'f',
    '(',
    ...places,
    ')',
    '-print',
    '-delete',
  ])
  return found
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(folder.length + 1))
}

/**
 * What is ours in main (it lies on another disk than the project, or is the project directory) git is told not
 * to see: in the list of the checkout itself, which is in no commit. It is no change then, and safe from a `git clean` without `-x`.
 */
export async function hideOwn(git: Git, run: Run, { paths }: Site): Promise<void> {
  const own = ownInMain(paths)
  if (own.length === 0) return
  // What a commit has is never hidden, but may be named all the same.
  const asked = await git(['check-ignore', '--no-index', '-z', '--stdin'], {
    input: own.join('\0'),
  })
  const hidden = new Set(asked.out.split('\0'))
  const seen = own.filter((path) => !hidden.has(path) && !path.includes('\n'))
  const place = (await git(['rev-parse', '--git-path', 'info/exclude'])).out.trim()
  if (seen.length === 0 || place === '' || (asked.code ?? 2) > 1) return
  // The last line of the list may be without an end.
  await run(['tee', '-a', place], `\n${seen.map(patternFor).join('')}`)
}

/** The line that hides one path, and nothing else: gitignore(5). */
function patternFor(path: string): string {
  return `/${path.replace(/[\\*?[ ]/g, '\\$&')}\n`
}
