import { join, resolve } from 'node:path'
import { configFileName, defaults } from '../config.ts'
import { codeOf, isExpected, messageOf, OperationalError } from '../errors.ts'
import { findAccount } from '../program/identity.ts'
import { asOwner } from '../project/owner.ts'
import { gupfileName, parseGupfile } from '../python/gupfile.ts'
import { findInterpreter } from '../python/interpreter.ts'
import type { Obstacle } from '../source/git/checkout.ts'
import { findCommand } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { unitFolder } from '../system/systemctl.ts'
import { readTextFile } from '../system/text-file.ts'
import { migrateWords } from '../words-migrate.ts'
import { type CheckoutFacts, type ReadCheckout, readConnectorCheckout } from './checkout.ts'
import { type FoundLine, parentNamed, readCrontabs, runsTool, toolName } from './crontab.ts'
import { guessEntry, readScripts } from './entry.ts'
import { findEnvironment, type OldEnvironment } from './environment.ts'
import { type Boot, findStart, readBoot, type Start } from './start.ts'
import { readUnits, type Unit, type UnitFolder } from './units.ts'

/** What was found of client-connector-updater in a directory. */
export type Layout = {
  /** Absolute. */
  readonly directory: string
  /** To whom it belongs. */
  readonly owner: Account
  /** The old tool's own folder, absolute; null: it is not there. */
  readonly tool: string | null
  /** The lines of crontabs that run it. */
  readonly runs: readonly FoundLine[]
  /** By their folders' names. */
  readonly connectors: readonly Connector[]
  /** Folders with a gupfile that are no checkouts: the old tool could not update them. */
  readonly noCheckouts: readonly string[]
  /** The version of the Python that would run the programs; null: there is none. */
  readonly python: string | null
  readonly freeBytes: number
  /** There is a supervisor.toml already. */
  readonly hasSettings: boolean
}

/** A user of the machine. */
export type Account = {
  readonly uid: number
  readonly gid: number
  readonly name: string
  readonly home: string
}

/** One connector of the old layout. */
export type Connector = {
  /** The name of its folder. */
  readonly folder: string
  readonly checkout: CheckoutFacts
  /** How many packages its gupfile asks for; null: it has mistakes. */
  readonly packages: number | null
  readonly environment: OldEnvironment | null
  readonly start: Start
  /** The file that is most likely run, if that can be told. */
  readonly entry: string | null
  readonly troubles: readonly Obstacle[]
}

/** Reads the layout of a directory. Changes nothing. Without any connector it is an OperationalError (`ENOCONNECTORS`). */
export async function readLayout(asked: string): Promise<Layout> {
  const directory = resolve(asked)
  const folders = foldersIn(directory)
  const owner = await ownerOf(directory)
  const tool = join(directory, toolName)
  const [boot, python] = await Promise.all([
    readBoot(await readCrontabs(owner.name), await unitsFor(owner)),
    pythonVersion(),
  ])
  const isChecked = (folder: string) => disk.kind(join(directory, folder, '.git')) !== null
  const names = folders.filter(isChecked)
  if (names.length === 0) throw noConnectors(directory, folders, boot.lines, owner)
  return {
    directory,
    owner,
    tool: disk.kind(tool) === 'dir' ? tool : null,
    runs: boot.lines.filter((line) => runsTool(line, tool, owner.home)),
    connectors: await readConnectors(names, directory, owner, boot),
    noCheckouts: folders.filter((folder) => !isChecked(folder)),
    python,
    freeBytes: disk.freeBytes(directory),
    hasSettings: disk.kind(join(directory, configFileName)) !== null,
  }
}

/** Folders with a gupfile; the old tool did not look at those whose names begin with a dot. */
function foldersIn(directory: string): string[] {
  if (disk.kind(`${directory}/.`) !== 'dir') {
    throw new OperationalError(migrateWords.noDirectory(directory), {
      code: 'ENOENT',
      path: directory,
    })
  }
  const names = disk.list(directory).filter((name) => !name.startsWith('.'))
  return names.filter((name) => disk.kind(join(directory, name, gupfileName)) === 'file').sort()
}

function noConnectors(
  directory: string,
  noCheckouts: readonly string[],
  lines: readonly FoundLine[],
  { home }: Account,
): OperationalError {
  const parents = lines.map((line) => parentNamed(line, home)).filter((one) => one !== null)
  const elsewhere = parents.find((parent) => parent !== directory) ?? null
  return new OperationalError(migrateWords.noConnectors(directory, noCheckouts), {
    code: 'ENOCONNECTORS',
    path: directory,
    hint: migrateWords.noConnectorsHint(elsewhere),
  })
}

async function ownerOf(directory: string): Promise<Account> {
  const uid = disk.ownerOf(directory) ?? 0
  const known = await findAccount({ user: `${uid}`, group: '' }).catch((error: unknown) => {
    // Not every owner has an entry.
    if (codeOf(error) !== 'ENOACCOUNT') throw error
    return null
  })
  const { HOME = '/', USER = `${uid}` } = known?.env ?? {}
  const isSelf = uid === process.getuid?.()
  return { uid, gid: known?.gid ?? 0, name: USER, home: (isSelf && process.env['HOME']) || HOME }
}

async function unitsFor({ uid, home }: Account): Promise<Unit[]> {
  const isSelf = uid === process.getuid?.()
  const own = isSelf ? unitFolder('user') : join(home, '.config/systemd/user')
  const folders: UnitFolder[] = [
    { scope: 'system', path: unitFolder('system'), home: '/root' },
    { scope: 'user', path: own, home },
  ]
  return readUnits(folders)
}

async function pythonVersion(): Promise<string | null> {
  try {
    return (await findInterpreter()).version
  } catch (error) {
    if (!isExpected(error)) throw error
    return null
  }
}

/** A few at once: each asks git a dozen things. */
const atOnce = 4

async function readConnectors(
  names: readonly string[],
  directory: string,
  owner: Account,
  boot: Boot,
): Promise<Connector[]> {
  const setpriv = await findCommand('setpriv')
  const become = (uid: number) => asOwner(uid, setpriv)
  const found: Connector[] = []
  for (let at = 0; at < names.length; at += atOnce) {
    const some = names.slice(at, at + atOnce).map(async (name) => {
      const folder = join(directory, name)
      const read = await readConnectorCheckout(folder, become, owner.home)
      return readConnector(name, directory, owner, boot, read)
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

async function readConnector(
  name: string,
  directory: string,
  { home }: Account,
  boot: Boot,
  { checkout, troubles }: ReadCheckout,
): Promise<Connector> {
  const folder = join(directory, name)
  // The old tool looked in the home of whoever ran it; its README shows them beside the connectors.
  const places = [join(home, '.pyenv'), join(directory, '.pyenv')]
  const environment = await findEnvironment(name, places)
  const gupfile = await readGupfile(join(folder, gupfileName))
  const blank = /\s/.test(name) ? [{ why: migrateWords.hasBlank }] : []
  return {
    folder: name,
    checkout,
    packages: gupfile.packages,
    environment,
    start: findStart(folder, environment?.path ?? null, home, boot),
    entry: guessEntry(await readScripts(folder)),
    troubles: [...blank, ...troubles, ...gupfile.troubles],
  }
}

async function readGupfile(path: string): Promise<Pick<Connector, 'packages' | 'troubles'>> {
  try {
    const read = parseGupfile((await readTextFile(path, 256_000)) ?? '', defaults.python.sources)
    if ('lines' in read) return { packages: read.lines.length, troubles: [] }
    const troubles = read.mistakes.map(({ line, why }) => ({
      why: migrateWords.gupfile(line, why),
    }))
    return { packages: null, troubles }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { packages: null, troubles: [{ why: messageOf(error) }] }
  }
}
