import { dirname, join, resolve } from 'node:path'
import { ownName, type Site, whiteoutPrefix } from '../../config.ts'
import type { Move } from '../../model.ts'
import { firstLine, gitWords } from '../../words-git.ts'
import { readBlobs, sizesOf } from './blobs.ts'
import type { Git } from './call.ts'
import { type Change, changesBetween, modes } from './changes.ts'
import type { Checkout, Obstacle } from './checkout.ts'
import { findEdited } from './edited.ts'
import type { Tip } from './remote.ts'
import { foldersAbove, leaving } from './whiteouts.ts'

/** A commit that can be made a release, and what it changes. Paths are relative to main. */
export type Incoming = {
  readonly move: Move
  /** The files that it brings or changes. */
  readonly put: readonly Change[]
  /** The files and folders that go. */
  readonly leaving: readonly string[]
  readonly bytes: number
  /** Whoever asked for it wants no reboot. */
  readonly noReboot?: true
}

/** What a commit does to what lies in main. */
export type Local = {
  readonly leaving: Incoming['leaving']
  /** The files that were changed in main, and are to be saved before they are replaced. */
  readonly edited: readonly string[]
}

/** Decides whether a commit may come, touching nothing: it is asked again with each look at the remote. */
export async function judge(
  tip: Tip,
  { head }: Checkout,
  git: Git,
  site: Site,
): Promise<Incoming | Obstacle> {
  const astray = await goesOn(head, tip, git, site)
  if (astray !== null) return astray
  const unsigned = await signature(tip.commit, git, site)
  if (unsigned !== null) return unsigned
  const changes = await changesBetween(head, tip.commit, git)
  if (changes === null) return { why: gitWords.missing }
  const files = await filesOf(changes, git)
  if ('why' in files) return files
  const local = await localTrouble(changes, git, site)
  if ('why' in local) return local
  const log = ['-c', 'log.showSignature=false', 'log', '-1', '--format=%s', tip.commit]
  const subject = (await git(log)).out.trim().slice(0, 200)
  const move = { old: head, new: tip.commit, of: tip.of, subject }
  return { move, ...files, leaving: local.leaving }
}

/** The files that changes bring, and their bytes; or what keeps them from being written anywhere. */
export async function filesOf(
  changes: readonly Change[],
  git: Git,
): Promise<Pick<Incoming, 'put' | 'bytes'> | Obstacle> {
  const odd = changes.map(oddity).find((why) => why !== null)
  if (odd !== undefined) return { why: odd }
  const put = changes.filter(({ isGone }) => !isGone)
  const sizes = await sizesOf(blobsOf(put), git)
  if (sizes === null) return { why: gitWords.missing }
  const wrong = await oddContents(put, sizes, git)
  if (wrong !== null) return { why: wrong }
  return { put, bytes: sizes.reduce((sum, one) => sum + one, 0) }
}

/** The objects of files, in their order. */
export function blobsOf(put: readonly Change[]): string[] {
  return put.map(({ blob }) => blob)
}

/** A commit must go on from what main holds, unless it is said that any is followed. */
async function goesOn(
  head: string,
  tip: Tip,
  git: Git,
  { config }: Site,
): Promise<Obstacle | null> {
  if (config.git.rewritten === 'follow') return null
  const isAncestor = async (one: string, other: string) =>
    (await git(['merge-base', '--is-ancestor', one, other])).code === 0
  if (await isAncestor(head, tip.commit)) return null
  const isAhead = await isAncestor(tip.commit, head)
  const why = isAhead ? gitWords.ahead(tip.of) : gitWords.diverged(tip.of)
  return { why, hint: gitWords.divergedHint }
}

/** The settings that decide whose signature counts. */
type Trust = {
  readonly paths: Pick<Site['paths'], 'project'>
  readonly config: { readonly git: Pick<Site['config']['git'], 'allowedSigners'> }
}

/**
 * What is wrong with the signature of a commit, or a tag by its ref; null: nothing, or none is wanted. Only
 * signatures made with SSH keys count: a PGP key ring is another list of whom to trust.
 */
export async function signature(
  commit: string,
  git: Git,
  { config, paths }: Trust,
  verb: 'verify-commit' | 'verify-tag' = 'verify-commit',
): Promise<Obstacle | null> {
  const { allowedSigners } = config.git
  if (allowedSigners === '') return null
  const trusted = [
    `gpg.ssh.allowedSignersFile=${resolve(paths.project, allowedSigners)}`,
    'gpg.ssh.program=ssh-keygen',
    'gpg.program=false',
    'gpg.openpgp.program=false',
    'gpg.x509.program=false',
  ].flatMap((one) => ['-c', one])
  const { code, err } = await git([...trusted, verb, commit])
  return code === 0 ? null : { why: gitWords.unsigned(commit, firstLine(err)) }
}

/** What cannot be deployed in any case. */
function oddity({ path, mode }: Change): string | null {
  if (mode === modes.module) return gitWords.isModule(path)
  return path.includes('\ufffd') || path.split('/').some(isOddName)
    ? gitWords.isOddName(path)
    : null
}

/** Some names no git would make, but a repository can hold them: they lead out of main, or into the checkout. */
function isOddName(name: string): boolean {
  return ['', '.', '..', '.git'].includes(name.toLowerCase()) || name.startsWith(whiteoutPrefix)
}

/** What is wrong with the first file that by what is in it cannot be deployed; null: nothing. */
async function oddContents(
  put: readonly Change[],
  sizes: readonly number[],
  git: Git,
): Promise<string | null> {
  const isSmall = (_: Change, index: number) => (sizes[index] ?? 0) < 1_024
  const small = put.filter(isSmall)
  const long = put.find((change, index) => change.mode === modes.link && !isSmall(change, index))
  if (long !== undefined) return gitWords.isLinkOut(long.path)
  const texts = small.map(() => '')
  const begin = (index: number) => ({
    piece: (bytes: Buffer) => {
      texts[index] += bytes.toString('latin1')
    },
    end: () => undefined,
  })
  if (!(await readBlobs(blobsOf(small), git, begin))) return gitWords.missing
  const odd = small.map((change, index) => oddContent(change, texts[index] ?? ''))
  return odd.find((why) => why !== null) ?? null
}

/** A pointer of Git LFS begins like this: its docs/spec.md. */
const pointer = 'version https://git-lfs.github.com/spec/'

function oddContent({ path, mode }: Change, text: string): string | null {
  if (mode === modes.link) return staysInside(path, text) ? null : gitWords.isLinkOut(path)
  return text.startsWith(pointer) ? gitWords.isPointer(path) : null
}

/**
 * Links to what the daemon or git keeps for itself lead out of the program too. `..` behind a name is above
 * wherever that name leads, if it is a link itself: it is not followed.
 */
function staysInside(path: string, target: string): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const named = parts.findIndex((part) => part !== '..')
  if (target.startsWith('/') || (named >= 0 && parts.includes('..', named))) return false
  const [first = ''] = join(dirname(path), target).split('/')
  return !['..', '.git', ownName].includes(first)
}

/** What lies in main where a commit changes something; or what of that stands in its way. */
export async function localTrouble(
  changes: readonly Change[],
  git: Git,
  { paths, disk, config }: Site,
): Promise<Local | Obstacle> {
  const main = {
    kind: (path: string) => disk.kind(join(paths.main, path)),
    list: (path: string) => disk.list(join(paths.main, path)),
  }
  const going = leaving(changes, main)
  const isGone = new Set(changes.filter((one) => one.isGone).map(({ path }) => path))
  const compared = await findEdited(changes, main.kind, git)
  if (compared === null) return { why: gitWords.gitFailed('git diff') }
  const { edited, hidden, isSame } = compared

  /** The path of what lies in the way of a change, if something does. */
  function inTheWay({ path, isNew }: Change): string | null {
    const above = foldersAbove(path).find((folder) => {
      return !isGone.has(folder) && ![null, 'dir'].includes(main.kind(folder))
    })
    if (above !== undefined) return above
    const kind = main.kind(path)
    if (kind === 'dir') return going.isEmptied(path) ? null : path
    return isNew && kind !== null && !isSame.has(path) ? path : null
  }

  const obstacle = changes.map(inTheWay).find((path) => path !== null)
  if (obstacle !== undefined) {
    return { why: gitWords.inTheWay(obstacle), hint: gitWords.inTheWayHint }
  }
  if (hidden.length > 0) return { why: gitWords.edited(hidden), hint: gitWords.hiddenHint }
  if (edited.length > 0 && config.git.localChanges === 'refuse') {
    return { why: gitWords.edited(edited), hint: gitWords.editedHint }
  }
  return { leaving: going.paths, edited }
}
