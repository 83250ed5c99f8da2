import { existsSync } from 'node:fs'
import { asking, pathsOf, type Site } from '../config.ts'
import { noSettings, type Settings } from '../config-file.ts'
import { isProjectName, type Layout, type Listed, loadLayout } from '../config-projects.ts'
import { ask, type Door } from '../control/client.ts'
import { codeOf, messageOf, notRunning, OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { holderIn } from '../system/lock.ts'
import { nameTest } from '../system/patterns.ts'
import { words } from '../words.ts'
import { projectWords } from '../words-projects.ts'
import { verbWords } from '../words-verbs.ts'
import type { Asked } from './verb.ts'

/** One project that a verb is about. */
export type Place = {
  /** Its name among many; null: it is not one of many, or is asked by its own directory. */
  readonly name: string | null
  readonly site: Site
  readonly given: Settings['given']
  /** Whom to ask about it. */
  readonly door: Door
}

/** What a verb is about. */
export type Chosen = {
  /** Several were asked for, however many that are: answers carry their names. */
  readonly isMany: boolean
  readonly places: readonly Place[]
  /** The daemon itself. */
  readonly door: Door
}

/** What was asked for: a directory and, of many projects, names or patterns of names. */
export type Wanted = Pick<Asked, 'directory' | 'project' | 'args'>

/**
 * The projects that are asked for, for verbs that ask the daemon or read the disk; nothing is made. Of many it is
 * the daemon who knows which there are. Throws an OperationalError when there is none such.
 */
export async function choose(wanted: Wanted): Promise<Chosen> {
  const layout = await layoutOf(wanted.directory)
  const paths = pathsOf(wanted.directory)
  const door: Door = paths
  if (!existsSync(paths.own)) throw neverRun(paths.project)
  // A project that has ever run has this folder; a parent has not.
  const mayBeMany =
    layout?.is !== 'one' || !existsSync(pathsOf(wanted.directory, layout.config.folders).releases)
  const all = mayBeMany ? await runningOrListed(layout, door) : null
  if (all !== null) return pick(all, wanted, door)
  return alone(layout?.is === 'one' ? layout : noSettings(), wanted)
}

/** The same without asking anybody. */
export async function chooseFrom(layout: Layout, wanted: Wanted): Promise<Chosen> {
  if (layout.is === 'one') return alone(layout, wanted)
  return pick(layout.projects, wanted, pathsOf(wanted.directory))
}

/** The one project that is asked for. Throws where there are many and none, or several, are named. */
export async function chooseOne({ directory, project }: Omit<Wanted, 'args'>): Promise<Place> {
  const { isMany, places } = await choose({ directory, project, args: [] })
  const [first, ...others] = places
  const names = places.map(({ name }) => name ?? '')
  if (first !== undefined && others.length === 0 && (!isMany || project !== undefined)) return first
  throw new OperationalError(projectWords.nameOne(names), {
    code: 'EUSAGE',
    hint: projectWords.usageHint,
  })
}

/** The ground of the daemon itself: of a parent, with the settings of the daemon. Throws when none has ever run there. */
export async function daemonSite(directory: string): Promise<Site> {
  const { config } = (await layoutOf(directory)) ?? noSettings()
  const paths = pathsOf(directory, config.folders)
  if (existsSync(paths.own)) return { paths, config, disk }
  throw neverRun(paths.project)
}

/** A mistake in the settings must not keep anybody from asking, or from stopping the program: null. */
async function layoutOf(directory: string): Promise<Layout | null> {
  try {
    return await loadLayout(directory)
  } catch (error) {
    if (codeOf(error) !== 'ECONFIG') throw error
    console.error(words.failure(messageOf(error), verbWords.brokenSettings))
    return null
  }
}

/** The projects that the daemon has or, while none runs, those of the settings; null: these are not many. */
async function runningOrListed(
  layout: Layout | null,
  door: Door,
): Promise<readonly Listed[] | null> {
  const listed = layout?.is === 'many' ? layout.projects : []
  try {
    const running = await ask('projects', door, undefined, asking.answerMs)
    return running.map(({ name, directory }) => {
      const known = listed.find((one) => one.name === name && one.directory === directory)
      return known ?? { name, directory, ...noSettings() }
    })
  } catch (error) {
    // Refused: a daemon of one project.
    if (![notRunning, 'EREFUSED'].includes(codeOf(error))) throw error
    return layout?.is === 'many' ? listed : null
  }
}

function pick(all: readonly Listed[], wanted: Wanted, door: Door): Chosen {
  const patterns = patternsOf(wanted)
  const known = all.map(({ name }) => name)
  for (const pattern of patterns) {
    if (known.some(nameTest(pattern))) continue
    throw new OperationalError(projectWords.noProject(pattern, known), { code: 'ENOPROJECT' })
  }
  const tests = patterns.map(nameTest)
  const places = all
    .filter(({ name }) => tests.length === 0 || tests.some((test) => test(name)))
    .map((one) => placeOf(one, door))
  const [first, ...others] = patterns
  const isOne = first !== undefined && others.length === 0 && isProjectName(first)
  return { isMany: !isOne, places, door }
}

function placeOf({ name, directory, config, given }: Listed, door: Door): Place {
  const site: Site = { paths: pathsOf(directory, config.folders), config, disk }
  return { name, site, given, door: { ...door, member: name } }
}

/** A project of its own, or one of many that is asked by its own directory. */
async function alone({ config, given }: Settings, wanted: Wanted): Promise<Chosen> {
  const [odd] = patternsOf(wanted)
  if (odd !== undefined) {
    const message = projectWords.noneByName(odd, pathsOf(wanted.directory).project)
    throw new OperationalError(message, { code: 'EUSAGE', hint: projectWords.usageHint })
  }
  const site: Site = { paths: pathsOf(wanted.directory, config.folders), config, disk }
  const own: Place = { name: null, site, given, door: site.paths }
  const place = (await placeInParent(site)) ?? own
  return { isMany: false, places: [place], door: place.door }
}

/** The same project as its parent has it, if the last daemon here was that of a parent. */
async function placeInParent({ paths }: Site): Promise<Place | null> {
  const { parent } = holderIn(paths.pid)
  if (parent === null) return null
  const door: Door = pathsOf(parent)
  const all = await runningOrListed(await layoutOf(parent), door)
  const here = disk.realPath(paths.project)
  const found = all?.find(({ directory }) => disk.realPath(directory) === here)
  return found === undefined ? null : { ...placeOf(found, door), name: null }
}

function patternsOf({ args, project }: Wanted): string[] {
  return [...args, ...(project === undefined ? [] : [project])]
}

function neverRun(path: string): OperationalError {
  const hint = verbWords.noProjectHint
  return new OperationalError(verbWords.noProject(path), { code: 'ENOPROJECT', path, hint })
}
