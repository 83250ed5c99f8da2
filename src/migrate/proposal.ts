import { join, relative } from 'node:path'
import { isSchedule } from '../config-schedule.ts'
import { systemctlLine } from '../system/systemctl.ts'
import { migrateWords } from '../words-migrate.ts'
import { type FoundLine, isNow } from './crontab.ts'
import type { Connector, Layout } from './layout.ts'
import type { Program } from './shell.ts'
import type { Start } from './start.ts'

/** One line of the proposed `supervisor.toml`, and why it is there. */
export type Setting = {
  readonly section: 'folders' | 'git' | 'program' | 'python'
  readonly key: string
  readonly value: string | readonly string[]
  /** Paragraphs of a comment. */
  readonly why: readonly string[]
  /** It stands there as a comment: another possibility, or the default. */
  readonly isOff: boolean
}

/** What stands in the place of an old layout. */
export type Proposal = {
  /** Nothing differs between the connectors: they are found by their gupfiles, as before. */
  readonly isDiscovered: boolean
  /** What holds for all. */
  readonly shared: readonly Setting[]
  readonly projects: readonly Project[]
  /** The daemon must be root: it restarts units of the system. */
  readonly needsRoot: boolean
}

/** One connector in it. */
export type Project = {
  /** As `[projects.NAME]` has it. */
  readonly name: string
  /** The name of its folder. */
  readonly folder: string
  readonly settings: readonly Setting[]
}

/** Decides what becomes of a layout. With `keepsEnvironments` the old virtual environments are used on. */
export function propose(layout: Layout, keepsEnvironments: boolean): Proposal {
  const { connectors, owner, directory } = layout
  const isUnknown = connectors.every(({ start }) => start.is === 'unknown')
  const names = namesFor(connectors.map(({ folder }) => folder))
  const projects = connectors.map((connector, index): Project => {
    const start = isUnknown ? [] : startSettings(connector, owner.uid, keepsEnvironments)
    const python = keepsEnvironments ? environmentSettings(connector, directory) : []
    const settings = [...gitSettings(connector), ...start, ...python]
    return { name: names[index] ?? '', folder: connector.folder, settings }
  })
  const entries = new Set(connectors.map(({ entry }) => entry))
  const isSame = projects.every(({ name, folder, settings }) => {
    return name === folder && settings.length === 0
  })
  const isDiscovered = isSame && entries.size === 1
  const needsRoot = owner.uid !== 0 && connectors.some(({ start }) => isOfSystem(start))
  const shared = [
    ...(isDiscovered ? [] : parentSettings()),
    ...scheduleSettings(layout.runs),
    ...(needsRoot ? [on('program', 'user', owner.name, migrateWords.userWhy(owner.name))] : []),
    ...(isUnknown ? unknownSettings(isDiscovered ? connectors[0]?.entry : undefined) : []),
  ]
  if (!isUnknown || isDiscovered) return { isDiscovered, shared, projects, needsRoot }
  const guesses = projects.map((project, index) => ({
    ...project,
    settings: [...project.settings, ...guessSettings(connectors[index]?.entry ?? null)],
  }))
  return { isDiscovered, shared, projects: guesses, needsRoot }
}

function on(
  section: Setting['section'],
  key: string,
  value: Setting['value'],
  ...why: readonly string[]
): Setting {
  return { section, key, value, why, isOff: false }
}

function off(...about: Parameters<typeof on>): Setting {
  return { ...on(...about), isOff: true }
}

/** Names that need no quotes in TOML and no thought in a shell; each only once. */
export function namesFor(folders: readonly string[]): string[] {
  const taken = new Set(folders)
  return folders.map((folder) => {
    const plain =
      folder
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^[-_]+|-+$/g, '')
        .slice(0, 80) || 'connector'
    if (plain === folder) return folder
    const tries = [plain, ...folders.map((_, index) => `${plain}-${index + 2}`)]
    const name = tries.find((one) => !taken.has(one)) ?? plain
    taken.add(name)
    return name
  })
}

function parentSettings(): Setting[] {
  return [
    on('folders', 'main', '.', migrateWords.mainWhy),
    on('git', 'remote', 'origin', migrateWords.remoteWhy),
  ]
}

/** The time of the old tool's line becomes the schedule. */
function scheduleSettings(runs: readonly FoundLine[]): Setting[] {
  const line = runs.find(({ when }) => isSchedule(when))
  const schedule =
    line === undefined
      ? on(
          'git',
          'schedule',
          '0 2 * * *',
          migrateWords.scheduleMissing(runs.map(({ text }) => text)),
        )
      : on('git', 'schedule', line.when, migrateWords.scheduleWhy(line))
  const delay =
    line !== undefined && isNow(line)
      ? on('git', 'random_delay', '0s', migrateWords.nowWhy)
      : off('git', 'random_delay', '2min', migrateWords.delayWhy)
  return [schedule, delay]
}

function gitSettings({ checkout: { remote, ssh } }: Connector): Setting[] {
  const hosts = ssh?.knownHosts ?? null
  return [
    ...(remote === 'origin' ? [] : [on('git', 'remote', remote, migrateWords.otherRemoteWhy)]),
    ...(ssh === null ? [] : [on('git', 'ssh_key', ssh.key, migrateWords.keyWhy)]),
    ...(hosts === null ? [] : [on('git', 'known_hosts', hosts)]),
  ]
}

function isOfSystem(start: Start): boolean {
  return start.is === 'unit' && start.unit.scope === 'system'
}

/** Who restarts the program after an update, or runs it from now on. */
function startSettings(connector: Connector, uid: number, keepsEnvironments: boolean): Setting[] {
  const { start, entry, environment } = connector
  const nothing = (...why: readonly string[]) => [
    on('program', 'after_update', 'nothing', ...why),
    ...guessSettings(entry),
  ]
  if (start.is === 'unknown') return nothing(migrateWords.unknownHere)
  if (start.is === 'unit') {
    const usesOld = usesOldEnvironment(connector) && !keepsEnvironments
    const why = [migrateWords.unitWhy(start.unit), ...(usesOld ? [migrateWords.unitUsesOld] : [])]
    const restart = on('program', 'after_update', restartCommand(start, uid), ...why)
    return [restart, ...insteadOfUnit(connector, start)]
  }
  const told =
    start.is === 'line' ? migrateWords.lineWhy(start.line) : migrateWords.rcWhy(start.text)
  if (start.program === null) return nothing(told, migrateWords.onlyShell)
  const settings = programSettings(start.program, environment?.path, on)
  return explained(settings, told, migrateWords.nowHere)
}

/** How the daemon would run what a service runs. */
function insteadOfUnit(
  { entry, environment }: Connector,
  { unit, program }: Extract<Start, { is: 'unit' }>,
): Setting[] {
  if (program === null) return guessSettings(entry)
  const disable = systemctlLine(unit.scope, 'disable', '--now', unit.name)
  const settings = programSettings(program, environment?.path, off)
  return explained(settings, migrateWords.unitOr(disable))
}

/** Settings with what is said before the first of them. */
function explained([first, ...others]: readonly Setting[], ...why: readonly string[]): Setting[] {
  return first === undefined ? [] : [{ ...first, why }, ...others]
}

function restartCommand({ unit }: Extract<Start, { is: 'unit' }>, uid: number): string[] {
  if (unit.scope === 'system') return ['systemctl', 'restart', unit.name]
  // A service of the system has no session of this user's.
  return ['env', `XDG_RUNTIME_DIR=/run/user/${uid}`, 'systemctl', '--user', 'restart', unit.name]
}

function programSettings(
  { entry, args, python }: Program,
  environment: string | undefined,
  how: typeof on,
): Setting[] {
  const isUsual = python === null || /^python3?$/.test(python)
  const isOld = environment !== undefined && (python ?? '').startsWith(`${environment}/`)
  return [
    how('program', 'entry', entry),
    ...(args.length > 0 ? [how('program', 'args', args)] : []),
    ...(isUsual || isOld ? [] : [how('program', 'python', python)]),
  ]
}

/** Nothing tells what starts the connectors: nothing is started, and the other ways stand beside it. */
function unknownSettings(entry: string | null | undefined): Setting[] {
  return [
    on('program', 'after_update', 'nothing', migrateWords.unknownWhy),
    off('program', 'after_update', 'reboot', migrateWords.rebootWhy),
    off('program', 'after_update', 'restart', migrateWords.restartWhy),
    ...(entry ? [off('program', 'entry', entry)] : []),
  ]
}

function guessSettings(entry: string | null): Setting[] {
  return entry === null ? [] : [off('program', 'entry', entry, migrateWords.guessWhy)]
}

/** The old environment, where it is to be kept. */
function environmentSettings({ folder, environment }: Connector, directory: string): Setting[] {
  if (environment === null || !environment.isWhole) return []
  const fromProject = relative(join(directory, folder), environment.path)
  const beside = relative(directory, environment.path)
  const venv = beside.startsWith('..') ? environment.path : fromProject
  return [on('python', 'venv', venv, migrateWords.venvWhy)]
}

/** True where a service runs the program with the environment of the old tool. */
export function usesOldEnvironment({ start, environment }: Connector): boolean {
  if (start.is !== 'unit' || environment === null) return false
  return (start.program?.python ?? '').startsWith(`${environment.path}/`)
}
