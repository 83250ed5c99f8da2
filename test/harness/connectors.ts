import { execFileSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { gitIn, programSaying } from './checkout.ts'
import { cleanEnvironment } from './daemon.ts'
import { type Tree, writeTree } from './project.ts'
import { makeRepository, type Repository } from './repository.ts'
import { makeFolder } from './tools.ts'

/** A layout of client-connector-updater, as its README shows it, with real repositories. */
export type Connectors = {
  /** The folder that holds the connectors; it is the home of their user too. */
  readonly dir: string
  /** What each connector is a clone of, by name. */
  readonly remotes: ReadonlyMap<string, Repository>
  /** Pushes a commit with these files for a connector; the answer is the commit. */
  readonly push: (name: string, files: Readonly<Record<string, string | null>>) => Promise<string>
  /** Runs git in a connector's folder, as its user. */
  readonly git: (name: string, ...args: readonly string[]) => string
  /** The file that holds the user's crontab: the command `crontab` of `env` reads and writes it. */
  readonly crontab: string
  /** In which a command sees this home and this crontab, and nothing of whoever runs the tests. */
  readonly env: NodeJS.ProcessEnv
}

/** The line that the README has one add to the crontab. */
export function updaterLine(dir: string): string {
  return `0 2 * * *  bash ${dir}/client-connector-updater/run.sh &`
}

/** Makes the layout in an empty folder: a checkout, a gupfile and an environment for each name. */
export async function makeConnectors(
  t: TestContext,
  dir: string,
  names: readonly string[],
): Promise<Connectors> {
  const away = await makeFolder(t)
  const remotes = new Map<string, Repository>()
  for (const name of names) {
    const remote = await makeRepository(t, away, name, connectorFiles(name))
    remotes.set(name, remote)
    gitIn(dir, 'clone', '-q', remote.dir, name)
    makeEnvironment(join(dir, '.pyenv', name))
  }
  await writeTree(join(dir, 'client-connector-updater'), toolFiles)
  gitIn(dir, 'init', '-q', 'client-connector-updater')
  const crontab = join(away, 'crontab')
  await writeFile(crontab, `MAILTO=me\n5 4 * * * true # another\n${updaterLine(dir)}\n`)
  const bin = await crontabCommand(away, crontab)
  const clean = cleanEnvironment()
  const home = { HOME: dir, XDG_CONFIG_HOME: join(dir, '.config') }
  return {
    dir,
    remotes,
    async push(name, files) {
      const remote = remotes.get(name)
      if (remote === undefined) throw new Error(`there is no connector ${name}`)
      return remote.commit(files)
    },
    git: (name, ...args) => gitIn(join(dir, name), ...args),
    crontab,
    env: { ...clean, ...home, PATH: `${bin}:${clean['PATH']}` },
  }
}

function connectorFiles(name: string): Tree {
  return {
    'client.py': programSaying(`${name} first`),
    gupfile: '',
    '.gitignore': '__pycache__/\n*.log\n*.db\n',
  }
}

/** Stand-ins: what counts is where they are. */
const toolFiles: Tree = {
  'README.md': 'stands in for the old tool\n',
  'gup.log': '',
  'logger.sh': '#!/bin/bash\n',
  'run.sh': '#!/bin/bash\n',
  'updater.sh': '#!/bin/bash\n',
}

function makeEnvironment(path: string): void {
  const args = ['-m', 'venv', '--without-pip', path]
  execFileSync('python3', args, { env: cleanEnvironment(), stdio: 'ignore' })
}

/** A folder with a command `crontab` that keeps one in a file: that of whoever runs the tests is not touched. */
async function crontabCommand(away: string, file: string): Promise<string> {
  const bin = join(away, 'bin')
  const script = [
    '#!/bin/sh',
    'if [ "$1" = -u ]; then shift 2; fi',
    `if [ "$1" = -l ]; then exec cat '${file}'; fi`,
    // As the real one: written when all has been read.
    `cat > '${file}.new' && mv '${file}.new' '${file}'`,
  ]
  await writeTree(bin, { crontab: `${script.join('\n')}\n` })
  await chmod(join(bin, 'crontab'), 0o755)
  return bin
}
