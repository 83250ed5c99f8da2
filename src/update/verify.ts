import { basename, join } from 'node:path'
import { ownName, type Site, unholdableFolder } from '../config.ts'
import type { Claimed, Release, Step, Verified } from '../model.ts'
import { breather } from '../system/breath.ts'
import type { Disk, Kind } from '../system/disk.ts'
import { pathOfSafeName } from '../system/safe-name.ts'
import { releaseWords } from '../words-release.ts'
import { mistakeIn } from './mistakes.ts'
import { judgeSettings, type Reserved, reservedIn } from './reserved.ts'
import { filesOf } from './store.ts'
import { whiteoutOf } from './whiteout.ts'

/** A release that may not touch main, and why: for the uploader's eyes. */
export type Refused = {
  readonly refused: string
  /** It may be a part of an upload: what is missing could still come. */
  readonly mayBeCutOff: boolean
}

/** New files, as they are to lie in main; paths are relative to it. */
export type Tree = {
  readonly kind: (path: string) => Kind | null
  /** The names in a folder; `''` is the whole. */
  readonly list: (folder: string) => readonly string[]
}

/** What lies in a folder. Links out of a repository are files like others: it has been seen where they lead. */
function treeIn(folder: string, { from }: Release, disk: Disk): Tree {
  const kindOf = (kind: Kind | null) => (kind === 'symlink' && from === 'git' ? 'file' : kind)
  return {
    kind: (path) => kindOf(disk.kind(join(folder, path))),
    list: (path) => disk.list(join(folder, path)),
  }
}

/**
 * Checks a claimed release against main, touching nothing, and says what apply will do. All that can
 * be refused is refused here, while the old program runs. Its cost is that of the release, however
 * large main is.
 */
export async function verify(claimed: Claimed, site: Site): Promise<Verified | Refused> {
  const { release, attempt } = claimed
  const { staging } = filesOf(release.id, site.paths)
  const planned = await planFor(treeIn(staging, release, site.disk), release, site)
  if ('refused' in planned) return planned
  const settings = await judgeSettings(staging, site)
  if (settings !== null && 'refused' in settings) return { ...settings, mayBeCutOff: false }
  const added = settings === null ? [] : [settings.warning]
  const warnings = [...planned.warnings, ...added]
  return { stage: 'verified', release, attempt, ...planned, warnings }
}

/** What apply would do, and what is odd about it. */
export type Planned = Pick<Verified, 'plan' | 'isFirst' | 'warnings'>

/** The same for files that lie anywhere. */
export async function planFor(
  staged: Tree,
  about: Pick<Release, 'files' | 'bytes' | 'from'>,
  site: Site,
): Promise<Planned | Refused> {
  const { disk, paths, config } = site
  const [unholdable] = staged.list(unholdableFolder)
  if (unholdable !== undefined) {
    return { refused: releaseWords.unholdable(pathOfSafeName(unholdable)), mayBeCutOff: false }
  }
  const tooMuch = overLimits(about, site)
  if (tooMuch !== null) return { refused: tooMuch, mayBeCutOff: false }
  const walk: Walk = {
    site,
    staged,
    mainFileSystem: disk.fileSystemOf(`${paths.main}/.`),
    breath: breather(),
    reserved: reservedIn(about.from, site),
    dropped: new Set(),
    warnings: [],
  }
  const below = await stepsBelow('', walk)
  if ('refused' in below) return below
  const drops = [...walk.dropped].sort().map((path): Step => ({ do: 'drop', path }))
  const steps = [...drops, ...below]
  const isRun = config.program.afterUpdate === 'restart'
  const problem = isRun ? entryProblem(walk) : null
  if (problem !== null) return problem
  const oddity = isRun ? entryOddity(walk) : null
  if (oddity !== null) walk.warnings.push(oddity)
  return {
    plan: { steps },
    isFirst: isRun && disk.kind(join(paths.main, config.program.entry)) === null,
    warnings: walk.warnings,
  }
}

type Walk = {
  readonly site: Site
  readonly staged: Tree
  readonly mainFileSystem: number
  readonly breath: ReturnType<typeof breather>
  readonly reserved: Reserved
  /** What whiteouts take out of main, relative to it. */
  readonly dropped: Set<string>
  readonly warnings: string[]
}

function overLimits(
  { files, bytes }: Pick<Release, 'files' | 'bytes'>,
  { config }: Site,
): string | null {
  const { maxEntries, maxBytes } = config.verify
  if (files > maxEntries) return releaseWords.tooManyFiles(files, maxEntries)
  return bytes > maxBytes ? releaseWords.tooManyBytes(bytes, maxBytes) : null
}

/** The steps for what lies in a folder of the new files, by name; or the first refusal. */
async function stepsBelow(folder: string, walk: Walk): Promise<Step[] | Refused> {
  const steps: Step[] = []
  const names = walk.staged.list(folder).toSorted()
  // Whiteouts first: they change what is in the way of the others.
  for (const name of names) {
    const nonsense = noteWhiteout(join(folder, name), walk)
    if (nonsense !== null) return nonsense
  }
  for (const name of names.filter((one) => whiteoutOf(one) === null)) {
    await walk.breath()
    const found = await stepsFor(join(folder, name), name, walk)
    if ('refused' in found) return found
    for (const step of found) steps.push(step)
  }
  return steps
}

async function stepsFor(path: string, name: string, walk: Walk): Promise<Step[] | Refused> {
  const { disk, paths, config } = walk.site
  const kind = walk.staged.kind(path)
  const old = isDropped(path, walk) ? null : disk.kind(join(paths.main, path))
  const refused =
    refusal(path, name, kind, old, config.verify.maxPathBytes) ?? walk.reserved.refusal(path)
  if (refused !== null) return { refused, mayBeCutOff: false }
  if (kind !== 'dir') return [{ do: 'put', path }]
  const below = await stepsBelow(path, walk)
  if ('refused' in below) return below
  if (old === null) {
    const hasWhiteouts = walk.staged.list(path).some((one) => whiteoutOf(one) !== null)
    return [asOneFolder(path, below, hasWhiteouts)]
  }
  // A mount inside main: nothing can be renamed into it.
  if (disk.fileSystemOf(join(paths.main, path)) === walk.mainFileSystem) return below
  return { refused: releaseWords.otherFileSystem(path), mayBeCutOff: false }
}

/** Why an entry may not be placed, or null. `old` is what main has there. */
function refusal(
  path: string,
  name: string,
  kind: Kind | null,
  old: Kind | null,
  maxPathBytes: number,
): string | null {
  if (name === 'pyvenv.cfg') return releaseWords.isEnvironment(path)
  if (name === ownName) return releaseWords.ownNameUsed(path)
  if (Buffer.byteLength(path) > maxPathBytes) return releaseWords.pathTooLong(path, maxPathBytes)
  if (kind === 'symlink') return releaseWords.isSymlink(path)
  if (kind === 'other' || kind === null) return releaseWords.isSpecial(path)
  if (kind === 'file') return old === 'dir' ? releaseWords.fileOverFolder(path) : null
  if (old === 'symlink') return releaseWords.folderOverLink(path)
  return old === null || old === 'dir' ? null : releaseWords.folderOverFile(path)
}

/** A folder that main does not have comes in by one rename, with all that is below it. */
function asOneFolder(path: string, below: readonly Step[], hasWhiteouts: boolean): Step {
  const isMixed = hasWhiteouts || below.some((step) => step.do === 'put-dir' && step.hasWhiteouts)
  return {
    ...(isMixed ? { hasWhiteouts: isMixed } : {}),
    do: 'put-dir',
    path,
    files: below.flatMap((step) => (step.do === 'put-dir' ? step.files : [step.path])),
    dirs: below.flatMap((step) => (step.do === 'put-dir' ? [step.path, ...step.dirs] : [])),
  }
}

/** Notes what a whiteout deletes; a refusal if it makes no sense. */
function noteWhiteout(path: string, walk: Walk): Refused | null {
  const { disk, paths } = walk.site
  const { reserved } = walk
  const whiteout = whiteoutOf(path)
  if (whiteout === null) return null
  if (whiteout.is === 'nonsense' || walk.staged.kind(path) !== 'file') {
    return { refused: releaseWords.badWhiteout(path), mayBeCutOff: false }
  }
  const targets =
    whiteout.is === 'one'
      ? [whiteout.path]
      : disk
          .list(join(paths.main, whiteout.folder))
          // Neither our own folder nor that of a checkout is anything that was deployed.
          .filter((name) => name !== ownName && name !== '.git')
          .map((name) => join(whiteout.folder, name))
          .filter((target) => reserved.refusalToDelete(target) === null)
  if (targets.some((target) => basename(target) === ownName)) {
    return { refused: releaseWords.ownNameUsed(path), mayBeCutOff: false }
  }
  for (const target of targets) {
    const refused = reserved.refusalToDelete(target)
    if (refused !== null) return { refused, mayBeCutOff: false }
  }
  for (const target of targets) {
    // It goes with a folder above it. A step of its own could not be undone after that one.
    if (isDropped(target, walk)) continue
    if (disk.kind(join(paths.main, target)) !== null) walk.dropped.add(target)
    else walk.warnings.push(releaseWords.whiteoutOfNothing(path))
  }
  return null
}

/** True when a whiteout takes the path, or a folder above it, out of main. */
function isDropped(path: string, { dropped }: Walk): boolean {
  if (dropped.size === 0) return false
  const parts = path.split('/')
  return parts.some((_, index) => dropped.has(parts.slice(0, index + 1).join('/')))
}

/** After the merge there must be a program. */
function entryProblem(walk: Walk): Refused | null {
  const { disk, paths, config } = walk.site
  const { entry } = config.program
  if (walk.staged.kind(entry) === 'file') return null
  const isThere = disk.kind(join(paths.main, entry)) !== null
  if (isThere && !isDropped(entry, walk)) return null
  const mistake = mistakeIn(walk.staged, entry)
  if (mistake === null) return { refused: releaseWords.noEntry(entry, isThere), mayBeCutOff: true }
  return { refused: releaseWords.wrongEntry(mistake, entry), mayBeCutOff: false }
}

/** The old program goes on, and what was meant to be the new one lies beside it for the first time. */
function entryOddity({ site: { disk, paths, config }, staged }: Walk): string | null {
  const { entry } = config.program
  if (staged.kind(entry) !== null) return null
  const mistake = mistakeIn(staged, entry)
  if (mistake === null || disk.kind(join(paths.main, mistake.path)) !== null) return null
  return releaseWords.entryBeside(mistake, entry)
}
