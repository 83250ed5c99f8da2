import { join } from 'node:path'
import { ownName, type Site } from '../config.ts'
import type { Claimed, Step, Verified } from '../model.ts'
import { breather } from '../system/breath.ts'
import type { Kind } from '../system/disk.ts'
import { words } from '../words.ts'
import { filesOf } from './store.ts'

/** A release that may not touch main, and why: for the uploader's eyes. */
export type Refused = { readonly refused: string }

/**
 * Checks a claimed release against main, touching nothing, and says what apply will do. All that can
 * be refused is refused here, while the old program runs. Its cost is that of the release, however
 * large main is.
 */
export async function verify(claimed: Claimed, site: Site): Promise<Verified | Refused> {
  const { disk, paths, config } = site
  const steps = await stepsBelow('', {
    site,
    staging: filesOf(claimed.release.id, paths).staging,
    mainFileSystem: disk.fileSystemOf(`${paths.main}/.`),
    breath: breather(),
  })
  if ('refused' in steps) return steps
  return {
    stage: 'verified',
    release: claimed.release,
    attempt: claimed.attempt,
    plan: { steps },
    isFirst: disk.kind(join(paths.main, config.program.entry)) === null,
  }
}

type Walk = {
  readonly site: Site
  readonly staging: string
  readonly mainFileSystem: number
  readonly breath: ReturnType<typeof breather>
}

/** The steps for what lies in a folder of the staging folder, by name; or the first refusal. */
async function stepsBelow(folder: string, walk: Walk): Promise<Step[] | Refused> {
  const steps: Step[] = []
  for (const name of walk.site.disk.list(join(walk.staging, folder)).sort()) {
    await walk.breath()
    const found = await stepsFor(join(folder, name), name, walk)
    if ('refused' in found) return found
    for (const step of found) steps.push(step)
  }
  return steps
}

async function stepsFor(path: string, name: string, walk: Walk): Promise<Step[] | Refused> {
  const { disk, paths } = walk.site
  const kind = disk.kind(join(walk.staging, path))
  const old = disk.kind(join(paths.main, path))
  const refused = refusal(path, name, kind, old)
  if (refused !== null) return { refused }
  if (kind !== 'dir') return [{ do: 'put', path }]
  const below = await stepsBelow(path, walk)
  if ('refused' in below) return below
  if (old === null) return [asOneFolder(path, below)]
  // A mount inside main: nothing can be renamed into it.
  if (disk.fileSystemOf(join(paths.main, path)) === walk.mainFileSystem) return below
  return { refused: words.otherFileSystem(path) }
}

/** Why an entry may not be placed, or null. `old` is what main has there. */
function refusal(path: string, name: string, kind: Kind | null, old: Kind | null): string | null {
  if (name === ownName) return words.ownNameUsed(path)
  if (kind === 'symlink') return words.isSymlink(path)
  if (kind === 'other' || kind === null) return words.isSpecial(path)
  if (kind === 'file') return old === 'dir' ? words.fileOverFolder(path) : null
  if (old === 'symlink') return words.folderOverLink(path)
  return old === null || old === 'dir' ? null : words.folderOverFile(path)
}

/** A folder that main does not have comes in by one rename, with all that is below it. */
function asOneFolder(path: string, below: readonly Step[]): Step {
  return {
    do: 'put-dir',
    path,
    files: below.flatMap((step) => (step.do === 'put' ? [step.path] : step.files)),
    dirs: below.flatMap((step) => (step.do === 'put' ? [] : [step.path, ...step.dirs])),
  }
}
