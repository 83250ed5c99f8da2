import { join } from 'node:path'
import type { Site } from '../../config.ts'
import { withHint } from '../../errors.ts'
import { firstLine, gitWords } from '../../words-git.ts'
import { type Git, gitFolder } from './call.ts'

/** What main is a checkout of, and what it follows. */
export type Checkout = {
  /** The commit that main holds. */
  readonly head: string
  /** The name of a remote, or an address. */
  readonly remote: string
  readonly follows: Followed
}

/** What of the remote is followed: a branch, or the highest tag of a pattern. */
export type Followed = { readonly is: 'branch' | 'tag'; readonly name: string }

/** Something here that must be put right before a commit can come; the remote is not to blame. */
export type Obstacle = { readonly why: string; readonly hint?: string }

/** Reads what main is a checkout of; or what is wrong with that. */
export async function readCheckout(git: Git, site: Site): Promise<Checkout | Obstacle> {
  const { paths, config, disk } = site
  if (disk.kind(join(paths.main, '.git')) === null) {
    return { why: gitWords.noCheckout(paths.main), hint: gitWords.noCheckoutHint }
  }
  const head = await git(['rev-parse', '--verify', '-q', 'HEAD^{commit}'])
  if (head.code === undefined || head.code > 1) return gitFailure(head.err)
  if (head.code === 1) return { why: gitWords.noCommit, hint: gitWords.noCheckoutHint }
  const midst = await inTheMidst(git, site)
  if (midst !== null) return { why: gitWords.inTheMidst(midst), hint: gitWords.inTheMidstHint }
  const { remote, branch, tag } = config.git
  const checkout = { head: head.out.trim(), remote }
  if (tag !== '') return { ...checkout, follows: { is: 'tag', name: tag } }
  const name = branch === '' ? await upstream(git) : branch
  if (name === null) return { why: gitWords.detached, hint: gitWords.detachedHint }
  return { ...checkout, follows: { is: 'branch', name } }
}

/** What git says of a checkout that it does not work in. */
function gitFailure(err: string): Obstacle {
  if (/not found|No such file|ENOENT/i.test(err) && !/repository/i.test(err)) {
    return { why: gitWords.noGit, hint: gitWords.noGitHint }
  }
  const hint = /dubious ownership/.test(err) ? gitWords.ownershipHint : undefined
  return { why: gitWords.gitFailed(firstLine(err)), ...withHint(hint) }
}

/** The branch at the remote that the branch checked out comes from, or has the name of. */
async function upstream(git: Git): Promise<string | null> {
  const here = await git(['symbolic-ref', '-q', 'HEAD'])
  if (here.code !== 0) return null
  const asked = await git(['for-each-ref', '--format=%(upstream:remoteref)', here.out.trim()])
  return (asked.out.trim() || here.out.trim()).replace(/^refs\/heads\//, '')
}

/** What somebody has begun in the checkout and not ended: HEAD is his then. */
async function inTheMidst(git: Git, { disk }: Site): Promise<string | null> {
  const folder = await gitFolder(git)
  const found = Object.entries({
    MERGE_HEAD: 'merge',
    CHERRY_PICK_HEAD: 'cherry-pick',
    REVERT_HEAD: 'revert',
    BISECT_LOG: 'bisect',
    'rebase-merge': 'rebase',
    'rebase-apply': 'rebase',
  }).find(([name]) => disk.kind(join(folder, name)) !== null)
  return found?.[1] ?? null
}
