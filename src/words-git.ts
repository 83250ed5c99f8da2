import type { Move, ReleaseId } from './model.ts'
import { count, hintText, seconds, shown, shownLines, size } from './phrases.ts'

/** Every sentence said about main as a checkout of git. Pure: data in, text out. Paths are relative to main. */
export const gitWords = {
  // --- the checkout ---

  noCheckout: (main: string) => `${main} is not a checkout of git`,
  noCheckoutHint: 'make it one: git clone ADDRESS main',
  noCommit: 'nothing is checked out in main',
  noGit: 'the command git is missing',
  noGitHint: 'sudo apt install git',
  gitFailed: (said: string) => `git does not work in main: ${shown(said)}`,
  ownershipHint:
    'the checkout belongs to another user: run the daemon as that user, or as root, or give it to the daemon with chown -R',
  inTheMidst: (what: string) => `somebody is in the midst of a ${what} in main`,
  inTheMidstHint: 'end it there, or give it up: git status tells how',
  detached: 'main is not on a branch, so there is nothing to follow',
  detachedHint: 'name a branch or a tag under [git] in supervisor.toml, or: git checkout BRANCH',

  // --- the remote ---

  of: (name: string, remote: string) => `${shown(name)} of ${shown(remote)}`,
  late: (ms: number) =>
    `the remote has said nothing for ${seconds(ms)}; deadline beside its address in supervisor.toml allows more`,
  fetchLate: (ms: number) =>
    `the commit did not come within ${seconds(ms)}; fetch beside the address of the remote in supervisor.toml allows more`,
  remoteFailed: (said: string) => `the remote says no:\n${shownLines(said)}`,
  notThere: ({ is, name }: { readonly is: 'branch' | 'tag'; readonly name: string }, at: string) =>
    `${shown(at)} has no ${is} ${shown(name)}`,
  noCommitAt: (of: string) => `${of} is not a commit`,
  hostKeyHint:
    'the SSH server is not known here, or is another one. Compare its key, then: ssh-keyscan HOST >> FILE, and known_hosts = "FILE" beside the address in supervisor.toml',
  keyHint:
    'the remote does not know this key: ssh_key beside the address in supervisor.toml names the private one',
  loginHint:
    'it wants a name and a password: use a deploy key over SSH, or git credential-store as the owner of the checkout',
  clockHint: 'the clock of this machine is wrong; it will be right when the time has been fetched',
  transportHint: 'addresses begin with https://, ssh://, http://, git:// or file://',
  addressHint: 'is the address right, and may this key or user read it? In main: git remote -v',
  says: (text: string) => `git: ${text}`,
  goesOn: (how: string) => `it goes on: ${how}`,
  current: (commit: string, of: string) => `main is at ${short(commit)}, as ${of}`,

  clockWaits: 'the schedule waits until the clock of this machine is synchronised (clock_wait)',
  clockTaken: (ms: number) =>
    `the clock is not synchronised after ${seconds(ms)}; the schedule goes by it as it is`,
  runNotKept: (why: string) =>
    `the run could not be noted, and may be made again after a restart: ${shown(why)}`,

  // --- what stands in the way of a commit ---

  waits: (why: string, hint: string | undefined) => `${why}${hintText(hint)}`,
  hasFailed: (commit: string, id: ReleaseId) =>
    `${short(commit)} was tried as ${id} and did not pass; it waits for another commit`,
  ahead: (of: string) => `main has commits that ${of} does not have`,
  diverged: (of: string) =>
    `${of} does not go on from what main holds: it was rewritten, or main has commits of its own`,
  divergedHint:
    'look at it, in main: git log --oneline --graph --all. To have it followed in any case: rewritten = "follow" under [git]',
  unsigned: (commit: string, said: string) =>
    `${short(commit)} is not signed by anybody in allowed_signers: ${shown(said === '' ? 'no signature' : said)}`,
  missing: 'objects are missing in the repository of main: a clone with --filter does not do',
  isModule: (path: string) => `${shown(path)} is a submodule, which is not supported`,
  isLinkOut: (path: string) => `${shown(path)} is a symbolic link that leads out of main`,
  isOddName: (path: string) =>
    `${shown(path)}: this name cannot be deployed (it is not UTF-8, or has .., .git or .wh. in it)`,
  isPointer: (path: string) => `${shown(path)} is kept in Git LFS, which is not supported`,
  inTheWay: (path: string) =>
    `the commit brings ${shown(path)}, and main has something of that name that git does not keep`,
  inTheWayHint: 'move it away; it is never overwritten',
  edited: (paths: readonly string[]) =>
    `changed in main since the commit it is at (by hand, or by an upload), and now by the new one: ${listed(paths)}`,
  editedHint:
    'look at it, in main: git diff. Take it back: git checkout -- FILE. Or to have such changes saved and replaced: local_changes = "save" under [git]',

  hiddenHint:
    'git was told not to look at it; in main: git update-index --no-skip-worktree --no-assume-unchanged FILE, then: git diff',
  locked: (lock: string) => `git is at work in main, or was killed there: ${shown(lock)} is there`,
  lockedHint: 'it is removed when no git runs in main; if it stays, remove it',
  notAt: (old: string) => `main is not at ${short(old)} any more`,
  otherThanTaken: 'main has changed since the commit was taken',

  // --- the release ---

  claimed: (id: ReleaseId, move: Move, files: number, bytes: number) =>
    `${id}: ${commitText(move)}: ${count(files, 'file')} (${size(bytes)})`,
  saved: (id: ReleaseId, paths: readonly string[], ref: string) =>
    `${id}: replaces what was changed in main: ${listed(paths)}. It is saved; in main: git stash show -p ${ref}`,
  notSaved: (said: string) => `what was changed in main could not be saved: ${shown(said)}`,
  notClaimed: (why: string) => `could not take the commit out of the repository: ${why}`,
  dropped: (id: ReleaseId) =>
    `${id}: the daemon ended while it was taken out of the repository; it is looked for again`,
  refusedForNow: (id: ReleaseId, why: string) =>
    `${id}: rejected for now: ${why}\nnothing was changed in main/, and main.py was not stopped; it is tried again by itself`,
  headElsewhere: (id: ReleaseId) =>
    `${id}: somebody has moved HEAD of the checkout; it is left where it is, and git status will show differences`,
  headStays: (id: ReleaseId, why: string) =>
    `${id}: HEAD of the checkout could not be moved, and git status will show differences: ${shown(why)}`,
  sweptLocks: (names: readonly string[]) =>
    `removed what a git that was killed has left behind in the checkout: ${listed(names)}`,

  // --- the verb ---

  off: 'git is not used here: there is no remote under [git] in supervisor.toml',
  offHint: 'for a checkout in main: remote = "origin"',
  looking: 'looking at the remote',
  lost: 'it could not be taken up now, and is tried again by itself: see ota-supervisor status',
  lostForNow:
    'it could not be taken up now; the next update, or the daemon, tries it again. Why: ota-supervisor logs',
  lookedAgo: (ago: string) => `looked at ${ago} ago`,
  nextLook: (at: string) => `next time at ${at}`,
  nextUnknown: 'next time not known yet',
  schedule: (expression: string) => `schedule ${expression}`,
  noRun: 'no run yet',
  lastRun: (at: string) => `last run at ${at}`,
  found: (commit: string, of: string) => `${of} is at ${short(commit)}`,
}

/** A commit for people: `1a2b3c4 The subject (main of origin)`. */
function commitText({ new: commit, of, subject }: Move): string {
  return `${short(commit)} ${shown(subject)} (${of})`
}

/** The beginning of a commit's name, as git shows it. */
export function short(commit: string): string {
  return commit.slice(0, 9)
}

/** The first line that says something. */
export function firstLine(text: string): string {
  return text.split('\n').find((line) => line.trim() !== '') ?? ''
}

/** The last lines that say something, as of a program that failed. */
export function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines
    .slice(-6)
    .map((line) => line.slice(0, 300))
    .join('\n')
}

function listed(paths: readonly string[]): string {
  return `${paths.slice(0, 5).map(shown).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`
}
