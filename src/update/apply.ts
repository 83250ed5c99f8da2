import { dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { codeOf, OperationalError } from '../errors.ts'
import type { Plan, Step, Verified } from '../model.ts'
import { releaseWords } from '../words-release.ts'
import { dropBytecode, placeBytecode } from './bytecode.ts'
import { filesOf, type ReleaseFiles, writePlan } from './store.ts'

/**
 * Takes the steps of the plan: each old file goes into the journal and each new one into main, by
 * rename. `bytecode` are the compiled files that go with them. Nothing is made durable here, because the program is down meanwhile: `settle` does that.
 * A failure part-way throws and leaves the rest to `undo`, which asks the disk how far it came.
 */
export function apply({ release, plan }: Verified, bytecode: readonly string[], site: Site): void {
  const files = filesOf(release.id, site.paths)
  site.disk.makeDir(site.paths.main)
  dropBytecode(sourcesOf(plan), files.stale, site)
  for (const step of plan.steps) take(step, files, site)
  placeBytecode(bytecode, files.bytecode, site)
}

/** Makes what was applied or undone durable. */
export async function settle(site: Site): Promise<void> {
  await site.disk.syncAll(site.paths.main)
}

/**
 * Writes the plan and makes the folders of the journal, and has both and all that was staged durable, before
 * the program is stopped: apply then only renames.
 */
export async function prepare({ release, plan }: Verified, site: Site): Promise<void> {
  await writePlan(release, plan, site)
  const { old, dropped } = filesOf(release.id, site.paths)
  const folders = plan.steps.flatMap((step) => {
    if (step.do === 'put-dir') return []
    return [join(step.do === 'put' ? old : dropped, dirname(step.path))]
  })
  for (const folder of new Set(folders)) site.disk.makeDir(folder)
  await site.disk.syncTree(site.paths.releases)
}

/** All files a plan places, relative to main. */
export function filesIn(plan: Plan): string[] {
  return plan.steps.flatMap((step) => {
    if (step.do === 'drop') return []
    return step.do === 'put' ? [step.path] : step.files
  })
}

/** All files and folders a plan takes out of main, relative to it. */
export function dropsIn(plan: Plan): string[] {
  return plan.steps.flatMap((step) => (step.do === 'drop' ? [step.path] : []))
}

/** True for what a plan takes out of main by itself or with a folder above it; `path` is relative to main. */
export function isDroppedBy(plan: Plan): (path: string) => boolean {
  const drops = dropsIn(plan)
  return (path) => drops.some((drop) => `${path}/`.startsWith(`${drop}/`))
}

/** All files whose bytecode does not count any more: those placed, and those taken out. */
export function sourcesOf(plan: Plan): string[] {
  return [...dropsIn(plan), ...filesIn(plan)]
}

function take(step: Step, files: ReleaseFiles, site: Site): void {
  switch (step.do) {
    case 'put':
      putFile(step.path, files, site)
      return
    case 'put-dir':
      putFolder(step, files, site)
      return
    case 'drop':
      drop(step.path, files, site)
  }
}

/** Into the journal, as it is: a file, or a folder with all that is in it. */
function drop(path: string, { dropped }: ReleaseFiles, { disk, paths }: Site): void {
  const place = join(paths.main, path)
  if (disk.kind(place) !== null) disk.rename(place, join(dropped, path))
}

function putFile(path: string, { staging, old }: ReleaseFiles, { disk, paths }: Site): void {
  // Put together by hand: this is done ten thousand times while the program is down, and `join` would
  // cost a quarter of it. A path of a plan is in its shortest form already.
  const place = `${paths.main}/${path}`
  // Looked at again: the program ran until a moment ago, and may have made something here.
  const kind = disk.kind(place)
  if (kind === 'dir') {
    throw new OperationalError(releaseWords.fileOverFolder(path), { code: 'EISDIR', path: place })
  }
  if (kind !== null) disk.rename(place, `${old}/${path}`)
  disk.rename(`${staging}/${path}`, place)
}

function putFolder(step: Step & { do: 'put-dir' }, files: ReleaseFiles, site: Site): void {
  const { disk, paths } = site
  const { staging, old } = files
  const place = join(paths.main, step.path)
  if (disk.kind(place) === null && !step.hasWhiteouts) {
    disk.rename(join(staging, step.path), place)
    return
  }
  // The program may have made a folder of this name since the plan was: merge into it.
  for (const folder of [step.path, ...step.dirs]) {
    makeFolder(join(paths.main, folder), site)
    disk.makeDir(join(old, folder))
  }
  for (const file of step.files) putFile(file, files, site)
}

function makeFolder(path: string, { disk }: Site): void {
  try {
    disk.makeDir(path)
  } catch (error) {
    if (!['EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw error
    throw new OperationalError(releaseWords.folderOverFile(path), {
      code: 'ENOTDIR',
      path,
      cause: error,
    })
  }
}
