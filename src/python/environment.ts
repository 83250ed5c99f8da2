import { basename, dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { withoutPassword } from '../phrases.ts'
import { command } from '../system/command.ts'
import { packageWords } from '../words-packages.ts'
import { type Commits, requirementsOf, type Wish, wheelsFolder } from './dependencies.ts'
import { normalName } from './gupfile.ts'
import { askInterpreter, type Interpreter } from './interpreter.ts'
import { failureOf, findPip } from './pip.ts'
import type { Behalf, Done, Worker } from './worker.ts'

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
    gone: `${dir}.gone`,
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
  const { dir, input, gone, mark } = placesOf(address, { paths })
  disk.unlink(mark)
  await disk.removeTree(input)
  await disk.removeTree(gone)
  // The rename makes it happen at once, also to whoever would still use it.
  if (disk.kind(dir) !== null) disk.rename(dir, gone)
  await disk.removeTree(gone)
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
    const making = { ...places, owner: behalf.owner, worker, site, until }
    await makeVenv(base, making)
    await install(wish, commits, base, making)
    const python = await askInterpreter(pythonIn(places.dir), behalf.asUser)
    if (!('path' in python)) throw failed(packageWords.environmentBroken(python.why))
    await disk.removeTree(places.input)
    await disk.removeTree(places.tmp)
    const made: Environment = {
      ...{ address, from: wish.from, at: about.at.toISOString() },
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

type Making = ReturnType<typeof placesOf> & {
  readonly owner: Behalf['owner']
  readonly worker: Worker
  readonly site: Site
  /** The deadline for all of it, on the clock that never jumps. */
  readonly until: number
}

function pythonIn(dir: string): string {
  return join(dir, 'bin', 'python')
}

/** Without pip in it: that takes 100 times as long and 25 MB, and the program needs none. */
async function makeVenv(base: Interpreter, making: Making): Promise<void> {
  const system = making.site.config.python.systemPackages ? ['--system-site-packages'] : []
  const asked = ['-I', '-m', 'venv', '--without-pip', ...system, '--', making.dir]
  judge(await run([base.path, ...asked], making), making)
}

/** Has pip install and check it all: first from the wheels that came with the program, if there are any. */
async function install(
  wish: Wish,
  commits: Commits,
  base: Interpreter,
  making: Making,
): Promise<void> {
  const pip = await findPip(base)
  if (pip === null) {
    throw new OperationalError(packageWords.noPip, {
      code: 'EPACKAGES',
      hint: packageWords.noPipHint,
    })
  }
  const args = await writeInput(wish, commits, making)
  const hasWheels = wish.carried.some(({ path }) => dirname(path) === wheelsFolder)
  const asked = ['install', '--progress-bar', 'off', '--disable-pip-version-check', ...args]
  const offline = hasWheels ? await runPip(pip, [...asked, '--no-index'], making) : null
  if (offline?.exitCode !== 0) await expectPip(pip, asked, making)
  // What the system's own packages lack is not the release's fault.
  if (!making.site.config.python.systemPackages) await expectPip(pip, ['check'], making)
}

/** Writes what pip reads into `input/`, laid out as main is; the answer is what it is told to read. */
async function writeInput(wish: Wish, commits: Commits, making: Making): Promise<string[]> {
  const { input, site } = making
  for (const { path, place } of wish.carried) {
    site.disk.makeDir(join(input, dirname(path)))
    await site.disk.copy(place, join(input, path))
  }
  const args = await writeFiles(wish, commits, making)
  giveAll(input, making)
  return args
}

/** What is written may be read by the user that pip runs as, and by nobody else. */
function giveAll(path: string, making: Making): void {
  const { site, owner } = making
  if (owner === null) return
  // The folder last: from then on it is his.
  for (const name of site.disk.list(path)) giveAll(join(path, name), making)
  site.disk.give(path, owner)
}

async function writeFiles(
  wish: Wish,
  commits: Commits,
  { input, site }: Making,
): Promise<string[]> {
  for (const { path, text } of wish.files) {
    site.disk.makeDir(join(input, dirname(path)))
    await site.disk.replaceText(join(input, path), text)
  }
  const hasWheels = site.disk.kind(join(input, wheelsFolder)) !== null
  const links = hasWheels ? ['--find-links', wheelsFolder] : []
  const [file] = wish.files
  if (file !== undefined) return [...links, '-r', file.path]
  // Its name is none that a requirements file of main could have: `input/` is empty but for wheels/.
  const lines = requirementsOf(wish, commits)
  await site.disk.replaceText(join(input, 'wanted.txt'), `${lines.join('\n')}\n`)
  return [...links, '-r', 'wanted.txt']
}

async function expectPip(pip: string, args: readonly string[], making: Making): Promise<void> {
  judge(await runPip(pip, args, making), making)
}

/** -I: nothing of the environment or the working directory is imported. */
function runPip(pip: string, args: readonly string[], making: Making): Promise<Done> {
  return run([pythonIn(making.dir), '-I', pip, ...args], making)
}

/** Temporary files go with the environment: nothing is left of them in /tmp, which may be small. */
function run(commandLine: readonly string[], making: Making): Promise<Done> {
  const { worker, input, tmp, until } = making
  return worker.run(commandLine, input, Math.max(1, until - performance.now()), tmp)
}

/** Fails unless it went well. */
function judge({ exitCode, isLate, output }: Done, { site }: Making): void {
  if (exitCode === 0) return
  if (isLate) throw failed(packageWords.installLate(site.config.python.installMs))
  const { lines, means } = failureOf(withoutPassword(output))
  throw new OperationalError(
    packageWords.installFailed(lines === '' ? packageWords.killed : lines),
    {
      code: means === 'network' ? 'ENETWORK' : 'EPACKAGES',
      ...hintFor(means),
    },
  )
}

function hintFor(means: ReturnType<typeof failureOf>['means']): { hint?: string } {
  switch (means) {
    case 'network':
      return { hint: packageWords.networkHint }
    case 'disk full':
      return { hint: packageWords.installFullHint }
    case 'no compiler':
      return { hint: packageWords.noCompilerHint }
    case 'nothing known':
      return {}
  }
}

function failed(why: string): OperationalError {
  return new OperationalError(why, { code: 'EPACKAGES' })
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
