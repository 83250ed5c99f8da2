import { join } from 'node:path'
import type { Paths, Site } from '../config.ts'
import { isExpected, isOutOfSpace } from '../errors.ts'
import type { Arrival, Plan, Release, ReleaseId, Stage } from '../model.ts'
import { dropFolder, goneSuffix } from '../system/gone.ts'

/**
 * The disk format of a release under way, `.supervisor/releases/ID/`:
 *
 *     stage.json   the stage about to be walked (a `Stage`); written before it is walked
 *     plan.json    what apply does (a `Plan`); written before apply
 *     staging/     the new files, as they will lie in main
 *     old/         the files of main that were replaced, where they lay: the journal
 *     dropped/     what whiteouts took out of main, where it lay: journal too
 *     found/       what the program had made in the place of something that was brought back
 *     bytecode/    compiled Python files, to be placed with their sources; derived, no journal
 *     stale/       those of the files that were replaced; nobody needs them any more
 *     packed/      the archive that the release came in; unpacked/: while it is being unpacked
 *     reserve      space for the records of the way back on a full disk
 */
export type ReleaseFiles = {
  readonly dir: string
  readonly stage: string
  readonly plan: string
  readonly staging: string
  readonly old: string
  readonly dropped: string
  readonly found: string
  readonly packed: string
  readonly unpacked: string
  readonly bytecode: string
  readonly stale: string
  readonly reserve: string
}

/** Where the files of a release are, whether or not they are there yet. */
export function filesOf(id: ReleaseId, paths: Paths): ReleaseFiles {
  return filesBelowDir(join(paths.releases, id))
}

/** The same for a folder that lies elsewhere: a kept journal. */
export function filesBelowDir(dir: string): ReleaseFiles {
  return {
    dir,
    stage: join(dir, 'stage.json'),
    plan: join(dir, 'plan.json'),
    staging: join(dir, 'staging'),
    old: join(dir, 'old'),
    dropped: join(dir, 'dropped'),
    found: join(dir, 'found'),
    packed: join(dir, 'packed'),
    unpacked: join(dir, 'unpacked'),
    bytecode: join(dir, 'bytecode'),
    stale: join(dir, 'stale'),
    reserve: join(dir, 'reserve'),
  }
}

/**
 * Makes the folder of a new release and stores its first stage. `after` is the newest release there
 * ever was; numbers only grow, whatever the clock says.
 */
export async function openRelease(about: Arrival, after: ReleaseId, site: Site): Promise<Release> {
  const { disk, paths } = site
  const release: Release = { ...about, id: nextId(after) }
  const files = filesOf(release.id, paths)
  try {
    disk.makeDir(files.staging)
    await disk.reserve(files.reserve, site.config.update.reserveBytes)
    await storeStage({ stage: 'claiming', release }, site)
    return release
  } catch (error) {
    // A full disk: nothing may be left of what could not even begin.
    if (isExpected(error)) await dropRelease(release.id, site)
    throw error
  }
}

/** Stores the stage about to be walked, durably. On a full disk the release's reserve is used up. */
export async function storeStage(stage: Stage, site: Site): Promise<void> {
  await storeStageIn(filesOf(stage.release.id, site.paths), stage, site)
}

/** The same in a folder that lies elsewhere: a kept journal. */
export async function storeStageIn(files: ReleaseFiles, stage: Stage, site: Site): Promise<void> {
  try {
    // Somebody may have removed it, and a step that is tried again may have done so itself.
    site.disk.makeDir(files.dir)
    await site.disk.writeRecord(files.stage, stage)
  } catch (error) {
    if (!isOutOfSpace(error)) throw error
    site.disk.unlink(files.reserve)
    await site.disk.writeRecord(files.stage, stage)
  }
}

/** Writes what apply is about to do: `undo` goes by it. It must be made durable before the release is `applying`. */
export async function writePlan(release: Release, plan: Plan, site: Site): Promise<void> {
  await site.disk.writeDraft(filesOf(release.id, site.paths).plan, plan)
}

/** The stored plan of a release; without one, nothing of it can have been applied. */
export async function readPlan(id: ReleaseId, site: Site): Promise<Plan> {
  return readPlanIn(filesOf(id, site.paths), site)
}

/** The same from a folder that lies elsewhere: a kept journal. */
export async function readPlanIn(files: ReleaseFiles, site: Site): Promise<Plan> {
  const text = await site.disk.readText(files.plan)
  if (text === null) return { steps: [] }
  try {
    const plan = JSON.parse(text) as Plan
    if (Array.isArray(plan.steps)) return plan
  } catch {
    // Below.
  }
  // A card that fails: the journal still tells which old files are to go back.
  return { steps: filesBelow(files.old, '', site).map((path) => ({ do: 'put', path })) }
}

function filesBelow(root: string, folder: string, site: Site): string[] {
  return site.disk.list(join(root, folder)).flatMap((name) => {
    const path = join(folder, name)
    return site.disk.kind(join(root, path)) === 'dir' ? filesBelow(root, path, site) : [path]
  })
}

/** Removes a release's folder; `sweepGone` removes what a power cut left of it. */
export async function dropRelease(id: ReleaseId, site: Site): Promise<void> {
  await dropFolder(filesOf(id, site.paths).dir, site.disk)
}

/** Removes the rest of dropped releases. */
export async function sweepGone({ disk, paths }: Site): Promise<void> {
  for (const dir of [paths.releases, paths.journals]) {
    for (const name of disk.list(dir).filter((found) => found.endsWith(goneSuffix))) {
      await disk.removeTree(join(dir, name))
    }
  }
}

/**
 * What lies in `releases/`, oldest first: each with its stage, or null where the record is missing
 * or cannot be read.
 */
export async function readReleases(site: Site): Promise<{ id: ReleaseId; stage: Stage | null }[]> {
  const ids = site.disk.list(site.paths.releases).filter(isReleaseId).sort(byAge)
  return Promise.all(ids.map(async (id) => ({ id, stage: await readStage(id, site) })))
}

async function readStage(id: ReleaseId, site: Site): Promise<Stage | null> {
  const text = await site.disk.readText(filesOf(id, site.paths).stage)
  try {
    const found: unknown = JSON.parse(text ?? 'null')
    return isStageOf(id, found) ? found : null
  } catch {
    return null
  }
}

/** A card that fails can leave anything, also what is well-formed. */
function isStageOf(id: ReleaseId, found: unknown): found is Stage {
  const { stage, release } = (found ?? {}) as Partial<Stage>
  return stage !== undefined && Object.hasOwn(stages, stage) && release?.id === id
}

const stages: Readonly<Record<Stage['stage'], true>> = {
  claiming: true,
  claimed: true,
  applying: true,
  'on-trial': true,
  undoing: true,
  ended: true,
}

/** True for `r0`, `r1`, … and for nothing else: other names in a folder are not ours. */
export function isReleaseId(name: string): name is ReleaseId {
  return /^r(0|[1-9]\d{0,14})$/.test(name)
}

/** The release number's order: oldest first. */
export function byAge(one: ReleaseId, other: ReleaseId): number {
  return numberOf(one) - numberOf(other)
}

function nextId(after: ReleaseId): ReleaseId {
  return `r${numberOf(after) + 1}`
}

function numberOf(id: ReleaseId): number {
  return Number(id.slice(1))
}
