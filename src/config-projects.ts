import { join, resolve } from 'node:path'
import { type Config, configFileName, pathsOf } from './config.ts'
import {
  judge,
  noSettings,
  readSettingsText,
  readToml,
  type Settings,
  settingsIn,
  type Tables,
  type Written,
} from './config-file.ts'
import type { LineOf } from './config-lines.ts'
import type { Problem } from './config-problems.ts'
import { shown } from './phrases.ts'
import { disk } from './system/disk.ts'
import { holderIn } from './system/lock.ts'
import { nameTest } from './system/patterns.ts'
import { isWithin } from './system/within.ts'
import { projectWords } from './words-projects.ts'

/**
 * What the settings of a directory make of it: a project of its own, or the parent of many, which one daemon
 * runs side by side. The settings of a parent are those of the daemon.
 */
export type Layout =
  | ({ readonly is: 'one' } & Settings)
  | ({ readonly is: 'many'; readonly directory: string } & Settings & Found)

type Found = {
  /** Sorted by name. */
  readonly projects: readonly Listed[]
  /** Folders that look like projects and are none, and why, or that there is no project at all: for people. */
  readonly leftOut: readonly string[]
}

/** One of the projects of a parent. Whether its directory is there is another question. */
export type Listed = Settings & {
  readonly name: string
  /** Absolute. */
  readonly directory: string
}

/** True for what the name of a project may be: it goes into paths, lines of the log and command lines. */
export function isProjectName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name)
}

/** Sections that are about the daemon as a whole: of many projects, only the parent has them. */
export const daemonSections: readonly string[] = [
  'log',
  'systemd',
  'daemon',
  'self_update',
  'discover',
]

/** Reads what `supervisor.toml` makes of a directory. All that is wrong with the file is in one error (`ECONFIG`). */
export async function loadLayout(dir: string): Promise<Layout> {
  const directory = resolve(dir)
  const path = join(directory, configFileName)
  const text = await readSettingsText(path)
  if (text === null) return { is: 'one', ...noSettings() }
  return layoutIn(await readToml(text, path), directory)
}

/** What a settings file makes of its directory (absolute). */
export async function layoutIn(written: Written, directory: string): Promise<Layout> {
  const { projects, ...top } = written.parsed
  const { discover } = top
  const isParent = projects !== undefined || (isTable(discover) && discover['gupfiles'] === true)
  if (!isParent) return { is: 'one', ...(await settingsIn(written)) }
  const known = await judge({ parsed: top, lineOf: written.lineOf })
  const listed = listedIn(projects ?? {}, written.lineOf, directory)
  const settings = 'problems' in known ? noSettings() : known
  const discovered = discoverIn(directory, settings.config.discover, listed.entries)
  // What is wrong at the top would be told again for each project.
  const below = 'problems' in known ? {} : top
  const found = await Promise.all(
    [...listed.entries, ...discovered.entries].map((entry) => settingsFor(entry, below, written)),
  )
  const problems = [
    ...('problems' in known ? known.problems : []),
    ...listed.problems,
    ...found.flatMap((one) => ('problems' in one ? one.problems : [])),
  ]
  if (problems.length > 0) {
    const { byLine } = await import('./config-problems.ts')
    throw written.refuse(problems.toSorted(byLine))
  }
  const all = found.flatMap((one) => ('problems' in one ? [] : [one]))
  const none = all.length === 0 ? [projectWords.none(directory)] : []
  const leftOut = [...discovered.leftOut, ...none]
  return { is: 'many', directory, ...settings, projects: all.toSorted(byName), leftOut }
}

/** One that is listed, or discovered, or both. */
type Entry = {
  readonly name: string
  readonly directory: string
  /** What its own sections say. */
  readonly own: Tables
  readonly isDiscovered: boolean
}

/** What `[projects]` lists. */
function listedIn(
  projects: unknown,
  lineOf: LineOf,
  parent: string,
): { readonly entries: Entry[]; readonly problems: Problem[] } {
  const entries: Entry[] = []
  const problems: Problem[] = []
  const complain = ({ path, what }: Complaint) =>
    problems.push({ line: lineOf(path), key: path.join('.'), what })
  if (!isTable(projects)) complain({ path: ['projects'], what: projectWords.wantsTable })
  for (const [name, tables] of Object.entries(isTable(projects) ? projects : {})) {
    const read = entryOf(name, tables, parent)
    if ('what' in read) {
      complain(read)
      continue
    }
    const what = clashOf(read.directory, entries, parent)
    const at = ['projects', name, 'directory']
    if (what === null) entries.push(read)
    else complain({ path: lineOf(at) === null ? at.slice(0, -1) : at, what })
  }
  return { entries, problems }
}

type Complaint = { readonly path: readonly string[]; readonly what: string }

/** One table of `[projects]`, or what is wrong with it. */
function entryOf(name: string, tables: unknown, parent: string): Entry | Complaint {
  const path = ['projects', shown(name)]
  if (!isProjectName(name)) return { path, what: projectWords.badName(name) }
  if (!isTable(tables)) return { path, what: projectWords.wantsTable }
  const { directory = name, ...own } = tables
  if (typeof directory !== 'string' || !/^(?!~(\/|$))[^\0]+$/.test(directory)) {
    return { path: [...path, 'directory'], what: projectWords.badDirectory }
  }
  return { name, directory: resolve(parent, directory), own, isDiscovered: false }
}

/** Why a directory cannot be a project's beside these others, or null. Links are followed where they lead somewhere. */
function clashOf(directory: string, others: readonly Entry[], parent: string): string | null {
  const place = disk.realPath(directory)
  if (isWithin(disk.realPath(parent), place)) return projectWords.holdsParent(directory)
  for (const other of others) {
    const there = disk.realPath(other.directory)
    if (place === there) return projectWords.sameDirectory(other.name)
    if (isWithin(place, there)) return projectWords.inside(other.name)
    if (isWithin(there, place)) return projectWords.holds(other.name)
  }
  return null
}

/** The folders beside the file that are projects by themselves. One that is listed too is marked in place. */
function discoverIn(
  parent: string,
  { gupfiles, ignore }: Config['discover'],
  listed: Entry[],
): { readonly entries: readonly Entry[]; readonly leftOut: readonly string[] } {
  const entries: Entry[] = []
  const leftOut: string[] = []
  const ignored = ignore.map(nameTest)
  const names = gupfiles ? disk.list(parent).toSorted() : []
  for (const name of names.filter((one) => !one.startsWith('.'))) {
    const directory = join(parent, name)
    if (ignored.some((test) => test(name))) continue
    const at = listed.findIndex((one) => one.directory === directory)
    const known = listed[at]
    if (!isConnector(directory)) {
      if (known === undefined && wasRunBy(parent, directory)) {
        leftOut.push(projectWords.noConnector(name))
      }
      continue
    }
    if (known !== undefined) {
      listed[at] = { ...known, isDiscovered: true }
      continue
    }
    const why = unfit(name, directory, [...listed, ...entries], parent)
    if (why === null) entries.push({ name, directory, own: {}, isDiscovered: true })
    else leftOut.push(why)
  }
  return { entries, leftOut }
}

/** Why a folder that holds a gupfile is not run beside these others; null: it is. */
function unfit(
  name: string,
  directory: string,
  others: readonly Entry[],
  parent: string,
): string | null {
  if (!isProjectName(name)) return projectWords.oddFolder(name)
  const isTaken = others.some((one) => one.name === name)
  const why = isTaken ? projectWords.nameTaken : clashOf(directory, others, parent)
  return why === null ? null : projectWords.notDiscovered(name, why)
}

/** True where a daemon of this parent ran the folder last: a commit may have taken the gupfile away. */
function wasRunBy(parent: string, directory: string): boolean {
  return holderIn(pathsOf(directory).pid).parent === parent
}

/** True for a checkout of git that holds a gupfile. */
function isConnector(directory: string): boolean {
  return (
    // With the dot a link is followed.
    disk.kind(`${directory}/.`) === 'dir' &&
    disk.kind(join(directory, '.git')) !== null &&
    disk.kind(join(directory, 'gupfile')) === 'file'
  )
}

/** What holds for one that is discovered, unless something else is said. */
const discoveredTables = { git: { remote: 'origin' }, folders: { main: '.' } }

/** The settings of one project: its own go before those of the top, key by key. */
async function settingsFor(
  { name, directory, own, isDiscovered }: Entry,
  top: Tables,
  { lineOf }: Written,
): Promise<Listed | { readonly problems: Problem[] }> {
  const prefix = ['projects', name]
  const ownLine: LineOf = (path) => lineOf([...prefix, ...path])
  const misplaced = Object.keys(own).filter((section) => daemonSections.includes(section))
  const rest = Object.fromEntries(
    Object.entries(own).filter(([section]) => !misplaced.includes(section)),
  )
  const alone = await judge({ parsed: rest, lineOf: ownLine })
  const problems = [
    ...misplaced.map((key) => ({ line: ownLine([key]), key, what: projectWords.ofDaemon })),
    ...('problems' in alone ? alone.problems : []),
  ]
  const atProject = ({ line, key, what }: Problem): Problem => {
    return { line: line ?? lineOf(prefix), key: [...prefix, key].join('.'), what }
  }
  if (problems.length > 0) return { problems: problems.map(atProject) }
  const below = isDiscovered ? layered(discoveredTables, top) : top
  const whole = await judge({
    parsed: layered(below, rest),
    lineOf: (path) => ownLine(path) ?? lineOf(path),
  })
  if ('problems' in whole) return { problems: whole.problems.map(atProject) }
  return { name, directory, ...whole }
}

/** Settings that say the same in different ways: who says one of them does not mean the others any more. */
const alternatives: Readonly<Record<string, readonly (readonly string[])[]>> = {
  git: [
    ['every', 'schedule'],
    ['branch', 'tag'],
  ],
  health: [['command', 'http', 'tcp']],
}

/** Tables with others on top of them, key by key. */
function layered(below: Tables, above: Tables): Tables {
  const sections = Object.entries(above).map(([section, keys]): [string, unknown] => {
    const under = below[section]
    if (!isTable(keys) || !isTable(under)) return [section, keys]
    const replaced = (alternatives[section] ?? []).filter((group) =>
      group.some((key) => Object.hasOwn(keys, key)),
    )
    const kept = Object.entries(under).filter(([key]) => !replaced.flat().includes(key))
    return [section, { ...Object.fromEntries(kept), ...keys }]
  })
  return { ...below, ...Object.fromEntries(sections) }
}

function isTable(value: unknown): value is Tables {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  )
}

function byName(one: Listed, other: Listed): number {
  return one.name < other.name ? -1 : 1
}
