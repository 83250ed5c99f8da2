import { join } from 'node:path'
import type { Site } from '../config.ts'
import { withHint } from '../errors.ts'
import { type Git, openCalls } from '../source/git/call.ts'
import { changesBetween } from '../source/git/changes.ts'
import { filesOf, signature } from '../source/git/judgement.ts'
import { fetchTip, incoming } from '../source/git/remote.ts'
import { stage } from '../source/git/stage.ts'
import { dropFolder } from '../system/gone.ts'
import { gitWords } from '../words-git.ts'
import { selfWords } from '../words-self.ts'
import type { Means } from './around.ts'
import type { Newest, Trouble } from './candidate.ts'
import { isVersion } from './version.ts'

/** Fetches what the settings follow of a git remote, and reads which version it is. */
export async function newestInGit(means: Means): Promise<Newest> {
  const { site } = means
  const { branch, tag, from } = site.config.selfUpdate
  const git = await openRepository(means)
  const follows =
    branch === '' ? ({ is: 'tag', name: tag } as const) : ({ is: 'branch', name: branch } as const)
  const remote = from.replace(/^git\+/, '')
  const tip = await fetchTip({ head: '', remote, follows }, git, asGit(site))
  if ('failed' in tip) {
    // A fetch that was cut off may have left a lock, for which nobody waits. All of it can be fetched again.
    await dropFolder(repositoryOf(site), site.disk)
    return { is: 'failed', ...tip.failed }
  }
  const { commit, of } = tip
  const unsigned = await signatureTrouble(commit, git, site)
  if (unsigned !== null) return { is: 'waits', ...unsigned }
  const card = cardIn((await git(['cat-file', 'blob', `${commit}:package.json`])).out)
  if (card === null) return { is: 'waits', why: selfWords.notUs(of) }
  return {
    is: 'newest',
    candidate: { ...card, of, fetch: (into) => takeFiles(commit, into, git, site) },
  }
}

/** The settings of [self_update] in the place of those of [git]: what asks a remote is the same. */
function asGit({ config, paths }: Site) {
  return { paths, config: { git: config.selfUpdate } }
}

/** It holds nothing that could not be fetched again. */
function repositoryOf({ paths }: Site): string {
  return join(paths.own, 'self-update.git')
}

async function openRepository({ site, setpriv, end }: Means): Promise<Git> {
  const folder = repositoryOf(site)
  const before = setpriv === null ? [] : [setpriv, '--pdeathsig', 'TERM', '--']
  site.disk.makeDir(folder)
  const git = openCalls(folder, site.paths.own, { before, owner: null, env: {} }, end)
  await git(['init', '--quiet', '--bare', '--template=', '.'])
  return git
}

/** A version is signed as a commit or, where it is a tag, as that. */
async function signatureTrouble(commit: string, git: Git, site: Site): Promise<Trouble | null> {
  const wrong = await signature(commit, git, asGit(site))
  if (wrong === null) return null
  const kind = await git(['cat-file', '-t', incoming])
  if (kind.out.trim() !== 'tag') return wrong
  return signature(incoming, git, asGit(site), 'verify-tag')
}

async function takeFiles(
  commit: string,
  into: string,
  git: Git,
  site: Site,
): Promise<Trouble | null> {
  const nothing = (await git(['hash-object', '-t', 'tree', '--stdin'], { input: '' })).out.trim()
  const changes = await changesBetween(nothing, commit, git)
  if (changes === null) return { why: gitWords.missing }
  const files = await filesOf(changes, git)
  if ('why' in files) return { why: files.why, ...withHint(files.hint) }
  const { maxBytes } = site.config.selfUpdate
  if (files.bytes > maxBytes) return { why: selfWords.tooLarge(maxBytes) }
  await stage(
    { put: files.put, leaving: [] },
    into,
    git,
    { before: [], owner: null, env: {} },
    site,
  )
  return null
}

/** What a package.json says of this program; null: it is another's, or none. */
export function cardIn(
  text: string,
): { readonly version: string; readonly node: string | null } | null {
  try {
    const { name, version, engines } = JSON.parse(text) as Record<string, unknown>
    const node = (engines as { readonly node?: unknown } | undefined)?.node
    if (name !== 'ota-supervisor' || !isVersion(version)) return null
    return { version, node: typeof node === 'string' ? node : null }
  } catch {
    return null
  }
}
