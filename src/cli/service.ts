import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, pathsOf } from '../config.ts'
import { type Layout, type Listed, loadLayout } from '../config-projects.ts'
import { install, type Service, serviceOf, uninstall } from '../control/installation.ts'
import { type RunAs, stopLimit, unitText } from '../control/unit.ts'
import { isExpected, OperationalError } from '../errors.ts'
import { shellLine } from '../phrases.ts'
import { findAccount } from '../program/identity.ts'
import type { Install } from '../self/install.ts'
import { installFor, setUp } from '../self/set-up.ts'
import { disk } from '../system/disk.ts'
import { isLingering, isSystemdHere, logLine, systemctlLine } from '../system/systemctl.ts'
import { words } from '../words.ts'
import { serviceWords } from '../words-service.ts'
import { printAnswer } from './screen.ts'
import { type Asked, exitCodes, type Verb } from './verb.ts'

const defaultName = 'ota-supervisor'

/** `service`: has systemd run the daemon for this directory, with this Node. */
export const verb: Verb = {
  help: `Usage: ota-supervisor service install|uninstall|print [options]

  install      have systemd run the daemon for this directory: now, and after
               every boot. With [self_update] it runs from a place of its
               own, where versions can be exchanged
  uninstall    stop it and remove it; the project stays as it is
  print        print the unit that would be installed

      --name NAME       the service's name (default: ${defaultName}); a
                        second directory needs another
      --run-as USER     as whom it runs (default: the owner of the directory)
      --user            not for the system but for you alone; needs no root
`,
  options: {
    name: { type: 'string', default: defaultName },
    'run-as': { type: 'string' },
    user: { type: 'boolean', default: false },
  },
  takes: { least: 1, most: 1 },
  async run(asked) {
    const action = asked.args[0] ?? ''
    const wrong = problemOf(asked)
    if (wrong !== null) {
      console.error(words.failure(wrong, 'see: ota-supervisor service --help'))
      return exitCodes.usage
    }
    const project = resolve(asked.directory)
    const service = serviceOf(asked.values['user'] ? 'user' : 'system', nameOf(asked), project)
    const layout = await loadLayout(project)
    const config = unitSettings(layout)
    const folders = layout.is === 'one' ? [] : layout.projects.flatMap(placesOf)
    switch (action) {
      case 'print':
        await printUnit(service, asked, config, folders)
        break
      case 'uninstall':
        refuseToChange(service, asked)
        await uninstallService(service, asked, config)
        break
      default:
        refuseToChange(service, asked)
        await installService(service, asked, config, folders)
    }
    return exitCodes.done
  },
}

function nameOf({ values }: Asked): string {
  return String(values['name']).replace(/\.service$/, '')
}

/** By what the unit is written: of many projects, they all end side by side, and the slowest counts. */
function unitSettings(layout: Layout): Config {
  if (layout.is === 'one') return layout.config
  const { config, projects } = layout
  const slowest = projects
    .map((one) => one.config)
    .reduce((one, other) => (stopLimit(other) > stopLimit(one) ? other : one), config)
  const asDaemon = projects.some((one) => one.config.program.user === '')
  const user = asDaemon ? '' : slowest.program.user
  return { ...config, program: { ...slowest.program, user }, hooks: slowest.hooks }
}

/** Where one of many projects reads and writes. */
function placesOf({ directory, config: { folders, program } }: Listed): string[] {
  const { main, deposit } = pathsOf(directory, folders)
  const places = [directory, main, resolve(main, program.cwd), resolve(directory, program.python)]
  return deposit === null ? places : [...places, deposit]
}

/** What is wrong with the command line, or null. */
function problemOf({ args, values, ...asked }: Asked): string | null {
  const action = args[0] ?? ''
  const name = nameOf({ args, values, ...asked })
  if (!['install', 'uninstall', 'print'].includes(action))
    return serviceWords.unknownServiceAction(action)
  if (!/^[a-zA-Z0-9][\w.-]{0,199}$/.test(name)) return serviceWords.badServiceName(name)
  return values['user'] && values['run-as'] !== undefined ? serviceWords.runAsWithUser : null
}

async function printUnit(
  service: Service,
  asked: Asked,
  config: Config,
  folders: readonly string[],
): Promise<void> {
  const { text, warnings } = await planOf(service, asked.values, config, folders)
  const { unit, path } = service
  printAnswer(asked, { service: unit, path, unit: text, warnings }, text.trimEnd())
  warn(warnings, asked)
}

async function installService(
  service: Service,
  asked: Asked,
  config: Config,
  folders: readonly string[],
): Promise<void> {
  const { text, user, warnings, exchanged } = await planOf(service, asked.values, config, folders)
  const isNew = exchanged !== null && (await setUp(exchanged, user.name))
  const changed = await install(service, text, waitFor(config), isNew)
  const { scope, unit, path } = service
  const all = [
    ...warnings,
    ...(scope === 'user' && !isLingering(user.name) ? [serviceWords.linger(user.name)] : []),
  ]
  const status = systemctlLine(scope, 'status', unit)
  const log = logLine(scope, unit)
  printAnswer(
    asked,
    { service: unit, path, user: user.name, changed, warnings: all },
    serviceWords.serviceInstalled({ service: unit, path, status, log }),
  )
  warn(all, asked)
}

async function uninstallService(service: Service, asked: Asked, config: Config): Promise<void> {
  const removed = await uninstall(service, waitFor(config))
  const { unit, path } = service
  const text = removed
    ? serviceWords.serviceRemoved(unit, path)
    : serviceWords.serviceNotThere(unit, path)
  printAnswer(asked, { service: unit, path, removed }, text)
}

/** The old daemon's end, and the new one's start. */
function waitFor(config: Config): number {
  return stopLimit(config) + config.systemd.waitMs
}

/** Throws an OperationalError where nothing can be installed: no systemd, or not the right user. */
function refuseToChange({ scope, project }: Service, { args, values }: Asked): void {
  if (!isSystemdHere()) {
    throw new OperationalError(serviceWords.noSystemd, {
      code: 'ENOSYSTEMD',
      hint: serviceWords.noSystemdHint,
    })
  }
  const isRoot = process.getuid?.() === 0
  if (scope === 'user' && isRoot && process.env['SUDO_USER'] !== undefined) {
    throw new OperationalError(serviceWords.userAsRoot, { code: 'EPERM' })
  }
  if (scope === 'system' && !isRoot) {
    const runAs = values['run-as'] === undefined ? [] : ['--run-as', String(values['run-as'])]
    const name = values['name'] === defaultName ? [] : ['--name', String(values['name'])]
    const again = ['service', ...args, '-C', project, ...name, ...runAs]
    // With full paths: sudo has a PATH of its own, where this Node need not be.
    const line = shellLine('sudo', process.execPath, entry, ...again)
    const hint = serviceWords.needsRootHint(line)
    throw new OperationalError(serviceWords.needsRoot, { code: 'EPERM', hint })
  }
}

/** The daemon's entry, beside the folder of this file. */
const entry = fileURLToPath(new URL('../supervisor.js', import.meta.url))

/** What the unit will be, as whom it runs, and what a person should know about that. */
async function planOf(
  { scope, unit, project }: Service,
  values: Asked['values'],
  config: Config,
  folders: readonly string[],
): Promise<{ text: string; user: RunAs; warnings: string[]; exchanged: Install | null }> {
  const owner = disk.ownerOf(project)
  if (owner === null) {
    throw new OperationalError(serviceWords.noSuchFolder(project), {
      code: 'ENOENT',
      path: project,
    })
  }
  const key = scope === 'user' ? process.getuid?.() : (values['run-as'] ?? owner)
  const { home, ...user } = await userOf(`${key}`)
  const node = process.execPath
  const { main, deposit, logs } = pathsOf(project, config.folders)
  const { python, cwd } = config.program
  const name = basename(unit, '.service')
  const exchanged = config.selfUpdate.mode === 'off' ? null : installFor(scope, name)
  const text = unitText(
    {
      scope,
      name,
      project,
      node,
      script: entry,
      launch: exchanged?.launch ?? null,
      user,
      reads: withTargets(node, dirname(dirname(entry)), home, resolve(project, python), ...folders),
      writes: withTargets(
        project,
        main,
        ...(deposit === null ? [] : [deposit]),
        logs,
        resolve(main, cwd),
        ...(exchanged === null ? [] : [exchanged.dir]),
        ...folders,
      ),
    },
    config,
  )
  const isAllRoot = scope === 'system' && user.uid === 0 && config.program.user === ''
  const warnings = [
    ...(isAllRoot ? [serviceWords.runsAsRoot(project)] : []),
    ...(movingPlaces.test(node) ? [serviceWords.nodeMoves(node)] : []),
  ]
  return { text, user, warnings, exchanged }
}

/** Folders of what keeps several Nodes side by side, and replaces them. */
const movingPlaces =
  /\/(\.?nvm|\.?fnm|fnm_multishells|\.volta|\.?asdf|mise|\.?nodenv|snap|Cellar)\//

async function userOf(key: string): Promise<RunAs & { readonly home: string }> {
  const account = await findAccount({ user: key, group: '' }).catch((error: unknown) => {
    if (isExpected(error)) return null
    throw error
  })
  if (account === null)
    throw new OperationalError(serviceWords.noSuchUser(key), { code: 'ENOACCOUNT' })
  const { USER = key, HOME = '/' } = account.env
  return { uid: account.uid, name: USER, home: HOME }
}

/** Paths, and where they lead when they are links. */
function withTargets(...paths: readonly string[]): string[] {
  return [...paths, ...paths.map(disk.realPath)]
}

/** JSON has them in it. */
function warn(warnings: readonly string[], { json }: Asked): void {
  if (json) return
  for (const text of warnings) console.error(words.warning(text))
}
