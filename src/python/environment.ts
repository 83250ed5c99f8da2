import { basename, dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import { dropFolder } from '../system/gone.ts'
import { packageWords } from '../words-packages.ts'
import type { Commits, Wish } from './dependencies.ts'
import { normalName } from './gupfile.ts'
import { install, type Making, makeVenv, pythonIn } from './install.ts'
import { askInterpreter, type Interpreter } from './interpreter.ts'
import type { Behalf, Worker } from './worker.ts'

/**
 * A virtual environment in `.supervisor/environments/`. It is made at its place, is never changed once
 * it is whole, and is whole when it has its mark:
 *
 *     ADDRESS/         as `python -m venv` makes it, and what pip installs; pip itself is not in it
 *     ADDRESS/tmp/     only while it is made: where pip works
 *     ADDRESS.input/   only while it is made: what pip reads
 *     ADDRESS.json     the mark (an `Environment`), written last and durably
 *
 * The folder belongs to the user that the program runs as, the rest to the daemon: where that is root, it
 * must not write or trust anything that another user can put a link in the place of.
 */
export type Environment = {
  readonly address: string
  /** The file of main that asked for it. */
  readonly from: string
  readonly python: Interpreter
  /** What is installed, such as `paho-mqtt 1.6.1`. */
  readonly packages: readonly string[]
  readonly bytes: number
  /** When it was whole: ISO 8601, by the wall clock. */
  readonly at: string
}

/** Where an environment is, whole or not, and what belongs to it. */
function placesOf(address: string, { paths }: Pick<Site, 'paths'>) {
  const dir = join(paths.environments, address)
  return {
    dir,
    tmp: join(dir, 'tmp'),
    input: `${dir}.input`,
    mark: `${dir}.json`,
  }
}

/** The environment of this address, if it is whole and works with this Python. */
export async function readEnvironment(
  address: string,
  base: Interpreter,
  site: Site,
): Promise<Environment | null> {
  const { dir, mark } = placesOf(address, site)
  const text = await site.disk.readText(mark)
  // Its Python is a link to that of the system, which an upgrade may have taken away.
  if (text === null || site.disk.isSame(pythonIn(dir), base.path) !== true) return null
  return parsed(text)
}

/** All environments that are whole, as far as their marks tell. */
export async function readEnvironments(site: Site): Promise<Environment[]> {
  const names = site.disk.list(site.paths.environments)
  const marks = names.filter((name) => /^[0-9a-f]{16}\.json$/.test(name))
  const all = marks.map(async (name) => {
    const found = parsed((await site.disk.readText(join(site.paths.environments, name))) ?? '')
    const isThere = site.disk.kind(placesOf(name.slice(0, 16), site).dir) === 'dir'
    return isThere && found?.address === name.slice(0, 16) ? [found] : []
  })
  return (await Promise.all(all)).flat()
}

function parsed(text: string): Environment | null {
  try {
    return JSON.parse(text) as Environment
  } catch {
    return null
  }
}

/** Removes what is not whole: a kill or a power cut came while it was made, or removed. */
export async function sweepEnvironments(site: Site): Promise<number> {
  const { disk, paths } = site
  const whole = new Set((await readEnvironments(site)).map(({ address }) => address))
  const half = disk
    .list(paths.environments)
    .filter((name) => disk.kind(join(paths.environments, name)) === 'dir' && !whole.has(name))
  for (const name of half) await disk.removeTree(join(paths.environments, name))
  return half.length
}

/** Removes an environment: the mark first, so that half of one is never taken for whole. */
export async function dropEnvironment(address: string, { disk, paths }: Site): Promise<void> {
  const { dir, input, mark } = placesOf(address, { paths })
  disk.unlink(mark)
  await disk.removeTree(input)
  await dropFolder(dir, disk)
}

/**
 * Makes the environment of a wish at its place. Nothing is left of it when it fails: with `ENETWORK` when
 * the network is to blame, `EPACKAGES` with pip's last words otherwise.
 */
export async function makeEnvironment(
  wish: Wish,
  commits: Commits,
  about: {
    readonly address: string
    readonly base: Interpreter
    readonly behalf: Behalf
    readonly at: Date
  },
  worker: Worker,
  site: Site,
): Promise<Environment> {
  const { address, base, behalf } = about
  const { disk } = site
  const places = placesOf(address, site)
  await dropEnvironment(address, site)
  try {
    makeFolders(places, behalf, site)
    const until = performance.now() + site.config.python.installMs
    const making: Making = { ...places, owner: behalf.owner, worker, site, until }
    await makeVenv(base, making)
    await install(wish, commits, base, making)
    const python = await askInterpreter(pythonIn(places.dir), behalf.asUser)
    if (!('path' in python)) {
      const why = packageWords.environmentBroken(python.why)
      throw new OperationalError(why, { code: 'EPACKAGES' })
    }
    await disk.removeTree(places.input)
    await disk.removeTree(places.tmp)
    const made: Environment = {
      address,
      from: wish.from,
      at: about.at.toISOString(),
      packages: packagesIn(places.dir, python, site),
      bytes: await sizeOf(places.dir),
      python: { ...base, path: pythonIn(places.dir), searchPath: python.searchPath },
    }
    // All of it before the mark: else a power cut could leave the mark, and files without their content.
    await disk.syncAll(places.dir)
    await disk.writeRecord(places.mark, made)
    return made
  } catch (error) {
    await dropEnvironment(address, site)
    throw error
  }
}

/** Given away before anybody else can write in it. */
function makeFolders(
  { dir, tmp, input }: ReturnType<typeof placesOf>,
  { owner }: Behalf,
  { disk, paths }: Site,
): void {
  for (const folder of [tmp, input]) disk.makeDir(folder)
  if (owner === null) return
  for (const folder of [dirname(paths.environments), paths.environments, input]) {
    disk.letThrough(folder)
  }
  for (const folder of [tmp, dir]) disk.give(folder, owner)
}

/** Read from the names of the folders that tell of installed packages: `NAME-VERSION.dist-info`. */
function packagesIn(dir: string, { searchPath }: Interpreter, { disk }: Site): string[] {
  return searchPath
    .filter((folder) => folder.startsWith(`${dir}/`))
    .flatMap((folder) => disk.list(folder))
    .flatMap((name) => {
      const [, of = '', version = ''] = /^(.+)-([^-]+)\.dist-info$/.exec(basename(name)) ?? []
      return of === '' ? [] : [`${normalName(of)} ${version}`]
    })
    .sort()
}

async function sizeOf(dir: string): Promise<number> {
  const { stdout } = await command('du', ['-s', '--block-size=1', '--', dir])
  return Number.parseInt(stdout, 10) || 0
}
