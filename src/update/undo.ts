import { dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import type { Plan, Release, Step } from '../model.ts'
import { sourcesOf } from './apply.ts'
import { dropBytecode, dropBytecodeFolder } from './bytecode.ts'
import { filesOf } from './store.ts'

/**
 * Takes back whatever of the plan is in main, leaving the new files in staging and the old ones in
 * main. What happened is asked of the disk, file by file, so it does not matter how far apply or an
 * earlier undo came, and it can be done again. Only the release's own files are taken: what the
 * program wrote since stays.
 */
export function undo(release: Release, plan: Plan, site: Site): void {
  site.disk.makeDir(site.paths.main)
  dropBytecode(sourcesOf(plan), filesOf(release.id, site.paths).stale, site)
  for (const step of plan.steps.toReversed()) takeBack(step, release, site)
}

function takeBack(step: Step, release: Release, site: Site): void {
  if (step.do === 'drop') {
    bringBack(step.path, release, site)
    return
  }
  if (step.do === 'put') {
    takeBackFile(step.path, release, site)
    return
  }
  for (const file of step.files) takeBackFile(file, release, site)
  for (const folder of [step.path, ...step.dirs].toReversed()) takeBackFolder(folder, release, site)
}

/**
 * One file. Where it is in staging and in the journal tells all:
 *
 *     staging  journal   main
 *     yes      no        untouched, or taken back already
 *     yes      yes       empty: the old one is on its way
 *     no       yes       has the new one; the old one is in the journal
 *     no       no        has the new one; there was no old one
 */
function takeBackFile(path: string, release: Release, site: Site): void {
  const { disk, paths } = site
  const files = filesOf(release.id, paths)
  const [place, staged, old] = [paths.main, files.staging, files.old].map((dir) => join(dir, path))
  if (place === undefined || staged === undefined || old === undefined) return
  if (disk.kind(staged) === null) {
    disk.makeDir(dirname(staged))
    // If the program has deleted it meanwhile, an empty file says "taken back": without it, a power
    // cut after the next rename would have the old file taken for the new one.
    if (disk.kind(place) === null) disk.touch(staged)
    else disk.rename(place, staged)
  }
  if (disk.kind(old) === null) return
  bringFolderBack(dirname(path), site)
  disk.rename(old, place)
}

/**
 * A folder of main that an old file goes back into. The program may have removed it; what it has put
 * in its place stays, under another name.
 */
function bringFolderBack(folder: string, site: Site): void {
  const { disk, paths } = site
  const place = join(paths.main, folder)
  if (folder === '.' || disk.kind(place) === 'dir') return
  bringFolderBack(dirname(folder), site)
  if (disk.kind(place) !== null) disk.rename(place, freeName(`${place}.set-aside`, site))
  disk.makeDir(place)
}

function freeName(path: string, site: Site): string {
  return site.disk.kind(path) === null ? path : freeName(`${path}-again`, site)
}

/** A folder the release brought goes if the program has not put anything of its own into it. */
function takeBackFolder(path: string, release: Release, site: Site): void {
  const { disk, paths } = site
  const place = join(paths.main, path)
  dropBytecodeFolder(place, site)
  disk.makeDir(join(filesOf(release.id, paths).staging, path))
  disk.removeEmptyDir(place)
}

/**
 * What a whiteout took out of main. If the program has made another of that name since, that one
 * is kept with the files of the release.
 */
function bringBack(path: string, release: Release, { disk, paths }: Site): void {
  const files = filesOf(release.id, paths)
  const [place, dropped] = [join(paths.main, path), join(files.dropped, path)]
  if (disk.kind(dropped) === null) return
  if (disk.kind(place) !== null) {
    const found = join(files.found, path)
    disk.makeDir(dirname(found))
    disk.rename(place, found)
  }
  disk.makeDir(dirname(place))
  disk.rename(dropped, place)
}
