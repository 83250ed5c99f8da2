import { basename, dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import type { JobResult } from '../system/job.ts'
import { words } from '../words.ts'
import { type Commits, requirementsOf, type Wish, wheelsFolder } from './dependencies.ts'
import { normalName, withoutPassword } from './gupfile.ts'
import { askInterpreter, type Interpreter } from './interpreter.ts'
import { failureOf, findPip } from './pip.ts'
import type { Worker } from './worker.ts'

/**
 * A virtual environment, `.supervisor/environments/ADDRESS/`. It is made at its place, is never changed
 * once it is whole, and is whole when it has its mark:
 *
 *     complete.json   the mark (an `Environment`), written last and durably
 *     bin/ lib/ …     as `python -m venv` makes it, and what pip installs; pip itself is not in it
 *     input/ tmp/     only while it is made: what pip reads, and where it works
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

function folderOf(address: string, { paths }: Pick<Site, 'paths'>): string {
  return join(paths.environments, address)
}

const markName = 'complete.json'
const goneSuffix = '.gone'

/** The environment of this address, if it is whole and works with this Python. */
export async function readEnvironment(
  address: string,
  base: Interpreter,
  site: Site,
): Promise<Environment | null> {
  const dir = folderOf(address, site)
  const text = await site.disk.readText(join(dir, markName))
  // Its Python is a link to that of the system, which an upgrade may have taken away.
  if (text === null || site.disk.isSame(pythonIn(dir), base.path) !== true) return null
  try {
    const found = JSON.parse(text) as Environment
    return found.address === address ? found : null
  } catch {
    return null
  }
}

/** All that is in the folder of environments and is whole, as far as its mark tells. */
export async function readEnvironments(site: Site): Promise<Environment[]> {
  const found: Environment[] = []
  const names = site.disk.list(site.paths.environments).filter((name) => /^[0-9a-f]+$/.test(name))
  for (const name of names) {
    const text = await site.disk.readText(join(folderOf(name, site), markName)).catch(() => null)
    if (text === null) continue
    try {
      found.push({ ...(JSON.parse(text) as Environment), address: name })
    } catch {
      // Torn by a failing card: it is swept at the next start.
    }
  }
  return found
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

/** Removes an environment. The rename in front makes it happen at once: half of it could be taken for whole. */
export async function dropEnvironment(address: string, site: Site): Promise<void> {
  const dir = folderOf(address, site)
  await site.disk.removeTree(`${dir}${goneSuffix}`)
  if (site.disk.kind(dir) !== null) site.disk.rename(dir, `${dir}${goneSuffix}`)
  await site.disk.removeTree(`${dir}${goneSuffix}`)
}

/**
 * Makes the environment of a wish at its place. Nothing is left of it when it fails: with `ENETWORK` when
 * the network is to blame, `ENOSPC` when there is too little space to begin, `EPACKAGES` with pip's last
 * words otherwise.
 */
export async function makeEnvironment(
  wish: Wish,
  commits: Commits,
  about: { readonly address: string; readonly base: Interpreter; readonly at: Date },
  worker: Worker,
  site: Site,
): Promise<Environment> {
  const { address, base } = about
  const dir = folderOf(address, site)
  const { disk } = site
  await disk.removeTree(dir)
  disk.makeDir(dir)
  try {
    const making = { dir, worker, site, until: performance.now() + site.config.python.installMs }
    await makeVenv(base, making)
    await install(wish, commits, base, making)
    const python = await askInterpreter(pythonIn(dir))
    if (python === null) throw failed(words.environmentBroken)
    for (const name of ['input', 'tmp']) await disk.removeTree(join(dir, name))
    const packages = packagesIn(dir, python, site)
    const bytes = await sizeOf(dir)
    const made: Environment = {
      ...{ address, from: wish.from, packages, bytes, at: about.at.toISOString() },
      python: { ...base, path: pythonIn(dir), searchPath: python.searchPath },
    }
    // All of it before the mark: else a power cut could leave the mark, and files without their content.
    await disk.syncAll(dir)
    await disk.writeRecord(join(dir, markName), made)
    return made
  } catch (error) {
    await dropEnvironment(address, site)
    throw error
  }
}

type Making = {
  readonly dir: string
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
  await expectDone([base.path, ...asked], making, dirname(making.dir))
  for (const name of ['input', 'tmp']) making.site.disk.makeDir(join(making.dir, name))
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
    throw new OperationalError(words.noPip, { code: 'EPACKAGES', hint: words.noPipHint })
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
async function writeInput(wish: Wish, commits: Commits, { dir, site }: Making): Promise<string[]> {
  const input = join(dir, 'input')
  for (const { path, place } of wish.carried) {
    site.disk.makeDir(join(input, dirname(path)))
    await site.disk.copy(place, join(input, path))
  }
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

/** Without a retry pip tells only its log that it could not reach an index. */
async function expectPip(pip: string, args: readonly string[], making: Making): Promise<void> {
  const log = logOf(making)
  making.site.disk.unlink(log)
  const done = await runPip(pip, [...args, '--log', log], making)
  const logged = done.exitCode === 0 ? null : await making.site.disk.readText(log)
  judge(done, making, logged ?? '')
}

function logOf({ dir }: Making): string {
  return join(dir, 'tmp', 'pip.log')
}

/** -I: nothing of the environment or the working directory is imported. */
function runPip(pip: string, args: readonly string[], making: Making): Promise<JobResult> {
  return run([pythonIn(making.dir), '-I', pip, ...args], making, join(making.dir, 'input'))
}

async function expectDone(
  commandLine: readonly string[],
  making: Making,
  cwd: string,
): Promise<void> {
  judge(await run(commandLine, making, cwd), making)
}

/** Temporary files go with the environment: nothing is left of them in /tmp, which may be small. */
function run(commandLine: readonly string[], making: Making, cwd: string): Promise<JobResult> {
  const { worker, dir, until } = making
  const leftMs = Math.max(1, until - performance.now())
  return worker.run(commandLine, cwd, leftMs, join(dir, 'tmp'))
}

/** Fails unless it went well. */
function judge({ exitCode, isLate, output }: JobResult, { site }: Making, log = ''): void {
  if (exitCode === 0) return
  if (isLate) throw failed(words.installLate(site.config.python.installMs))
  const { lines, means } = failureOf(withoutPassword(output), log)
  throw new OperationalError(words.installFailed(lines), {
    code: means === 'network' ? 'ENETWORK' : 'EPACKAGES',
    ...hintFor(means),
  })
}

function hintFor(means: ReturnType<typeof failureOf>['means']): { hint?: string } {
  switch (means) {
    case 'network':
      return { hint: words.networkHint }
    case 'disk full':
      return { hint: words.installFullHint }
    case 'no compiler':
      return { hint: words.noCompilerHint }
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
