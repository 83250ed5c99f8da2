import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { cleanEnvironment, type Daemon, startDaemon } from './daemon.ts'
import { type Settings, type Tree, writeSettings } from './project.ts'
import { makeRepository, type Repository } from './repository.ts'
import { makeFolder } from './tools.ts'

/** A project whose main is a checkout of a repository, as a user makes it: with `git clone`. */
export type Checkout = {
  /** The project directory. */
  readonly dir: string
  /** What it is a clone of. */
  readonly remote: Repository
  /** Runs git in main, as the user; the answer is what it prints, without the last line end. */
  readonly git: (...args: readonly string[]) => string
}

/** Settings with which nothing waits for long; the remote is looked at often, unless there is a schedule. */
const quick = { remote: 'origin', retry: '150ms', deadline: '5s' }

/** A program that says which one it is, and stays. */
export function programSaying(text: string): string {
  return `import time\nprint(${JSON.stringify(text)}, flush=True)\nwhile True:\n    time.sleep(0.2)\n`
}

/** What git prints with nothing of this user's settings. */
export function gitIn(folder: string, ...args: readonly string[]): string {
  const own = ['-c', 'user.name=u', '-c', 'user.email=u@u']
  return execFileSync('git', ['-C', folder, ...own, ...args], {
    env: { ...cleanEnvironment(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd()
}

/** What a checkout is made with; `main` as in the settings. */
type Wanted = {
  readonly files?: Tree
  readonly settings?: Settings
  readonly git?: object
  readonly main?: 'main' | '.'
}

/** Makes a repository with a program that says `first`, and a project whose main is a clone of it. */
export async function makeCheckout(
  t: TestContext,
  { files = {}, settings = {}, git = {}, main = 'main' }: Wanted = {},
): Promise<Checkout> {
  const remote = await makeRepository(t, await makeFolder(t), 'app', {
    'main.py': programSaying('first'),
    '.gitignore': '__pycache__/\n*.db\n',
    ...files,
  })
  const often = 'schedule' in git ? {} : { every: '150ms' }
  const dir = await makeFolder(t)
  gitIn(dir, 'clone', '-q', remote.dir, main)
  const folders = main === '.' ? { folders: { main, ...settings['folders'] } } : {}
  await writeSettings(dir, { ...settings, ...folders, git: { ...quick, ...often, ...git } })
  return { dir, remote, git: (...args) => gitIn(join(dir, main), ...args) }
}

/** Starts its daemon, and waits until the first program is up, and the first look has found what is expected. */
export async function startCheckout(
  t: TestContext,
  { dir }: Checkout,
  look: RegExp = /git: /,
): Promise<Daemon> {
  // Nothing of the settings of whoever runs the tests.
  const daemon = await startDaemon(t, dir, { HOME: dir })
  await Promise.all([daemon.says(/r0 out +first/), daemon.says(look)])
  return daemon
}
