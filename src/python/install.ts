import { dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { withoutPassword } from '../phrases.ts'
import { packageWords } from '../words-packages.ts'
import { type Commits, requirementsOf, type Wish, wheelsFolder } from './dependencies.ts'
import type { Interpreter } from './interpreter.ts'
import { failureOf, findPip, hintFor } from './pip.ts'
import type { Behalf, Done, Worker } from './worker.ts'

/** An environment being made. Its folders are absolute. */
export type Making = {
  readonly dir: string
  /** Where pip works. */
  readonly tmp: string
  /** What pip reads, and its working directory. */
  readonly input: string
  /** Who must own what pip reads and writes; null: the daemon. */
  readonly owner: Behalf['owner']
  readonly worker: Worker
  readonly site: Site
  /** The deadline for all of it, on the clock that never jumps. */
  readonly until: number
}

/** Where the Python of an environment is. */
export function pythonIn(dir: string): string {
  return join(dir, 'bin', 'python')
}

/**
 * Makes the empty environment. Without pip in it: that takes 100 times as long and 25 MB, and the program
 * needs none. Fails with `EPACKAGES`.
 */
export async function makeVenv(base: Interpreter, making: Making): Promise<void> {
  const system = making.site.config.python.systemPackages ? ['--system-site-packages'] : []
  const asked = ['-I', '-m', 'venv', '--without-pip', ...system, '--', making.dir]
  judge(await run([base.path, ...asked], making), making)
}

/**
 * Has pip install and check it all: first from the wheels that came with the program, if there are any.
 * Fails with `ENETWORK` when the network is to blame, `EPACKAGES` with pip's last words otherwise.
 */
export async function install(
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
  // --no-user: whoever has `user = true` in pip.conf means another Python.
  const quiet = ['--no-user', '--progress-bar', 'off', '--disable-pip-version-check']
  const asked = ['install', ...quiet, ...args]
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
  if (isLate) {
    const why = packageWords.installLate(site.config.python.installMs)
    throw new OperationalError(why, { code: 'EPACKAGES' })
  }
  const { lines, means } = failureOf(withoutPassword(output))
  throw new OperationalError(
    packageWords.installFailed(lines === '' ? packageWords.killed : lines),
    {
      code: means === 'network' ? 'ENETWORK' : 'EPACKAGES',
      ...hintFor(means),
    },
  )
}
