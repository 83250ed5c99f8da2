import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Install, installAt } from '../../src/self/install.ts'
import { afterwards } from './cleanup.ts'
import { type Done, runSupervisor } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { makeFolder } from './tools.ts'

/** Versions of ota-supervisor that behave in one way or another, and an install to exchange them in. */

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The launcher as it is in the sources. */
export const launcherPath = join(root, 'src/self/launch.sh')

/** The version that was built. */
export const builtVersion = '0.1.0'

/**
 * How a version behaves when it is the daemon; asked for its version or its self-check it answers well, unless it does
 * not even load. `good` is the one that was built.
 */
export type Behaviour =
  | 'good'
  | 'crashes'
  | 'hangs'
  | 'stays a while'
  | 'keeps programs down'
  | 'does not load'

const scripts: Readonly<Record<Exclude<Behaviour, 'good' | 'does not load'>, string>> = {
  crashes: "console.log('this version crashes')\nprocess.exit(7)",
  hangs: "console.log('this version hangs')\nsetInterval(() => {}, 1_000)",
  'stays a while':
    "console.log('this version stays a while')\nsetTimeout(() => process.exit(7), 300)",
  // The program of the test looks for this file.
  'keeps programs down': "writeFileSync('broken', '')\nawait import('./real.js')",
}

/** Makes the files of a version in a folder, as a package has them. */
export async function makeVersion(
  folder: string,
  version: string,
  behaviour: Behaviour = 'good',
): Promise<void> {
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  const card = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...card, version }))
  if (behaviour === 'good') return
  if (behaviour === 'does not load') {
    return writeFile(join(folder, 'dist/supervisor.js'), "throw new Error('not on this machine')\n")
  }
  await cp(join(folder, 'dist/supervisor.js'), join(folder, 'dist/real.js'))
  const answers = `if (['version', 'self-check'].includes(process.argv[2])) console.log('${version}')`
  await writeFile(
    join(folder, 'dist/supervisor.js'),
    `import { writeFileSync } from 'node:fs'\n${answers}\nelse {\n${scripts[behaviour]}\n}\n`,
  )
}

/** Makes an install with these versions; the first is current. */
export async function makeInstall(
  t: TestContext,
  versions: Readonly<Record<string, Behaviour>> = { [builtVersion]: 'good' },
  folder?: string,
): Promise<Install> {
  const install = installAt(join(folder ?? (await makeFolder(t)), 'install'))
  for (const [version, behaviour] of Object.entries(versions)) {
    await makeVersion(join(install.releases, version), version, behaviour)
  }
  await cp(launcherPath, install.launch)
  await symlink(`releases/${Object.keys(versions)[0]}`, install.current)
  return install
}

/** Packs a version as `npm pack` does, and lists it in the folder's SHA256SUMS. */
export async function packVersion(
  shelf: string,
  version: string,
  behaviour: Behaviour = 'good',
): Promise<void> {
  const side = join(shelf, '.side')
  await makeVersion(join(side, 'package'), version, behaviour)
  const name = `ota-supervisor-${version}.tgz`
  execFileSync('tar', ['-czf', join(shelf, name), '-C', side, 'package'])
  execFileSync('rm', ['-r', side])
  const sum = createHash('sha256')
    .update(await readFile(join(shelf, name)))
    .digest('hex')
  const list = join(shelf, 'SHA256SUMS')
  await writeFile(list, `${sum}  ${name}\n`, { flag: 'a' })
}

/** What stands for systemd: it starts the launcher again and again, and passes SIGTERM on. */
const loop = `
trap 'over=1; kill -TERM $pid 2>/dev/null' TERM
while [ -z "$over" ]; do
  setpriv --pdeathsig KILL sh "$LAUNCH" "$1" -C "$PWD" &
  pid=$!
  echo "loop: started $pid"
  wait $pid
  [ -n "$over" ] && wait $pid
  echo "loop: ended"
  sleep 0.05
done
`

/** Runs a daemon by its launcher, and starts it again whenever it has ended, until the test ends. */
export async function startLaunched(
  t: TestContext,
  dir: string,
  install: Install,
  env: NodeJS.ProcessEnv = {},
): Promise<Daemon> {
  const loopPath = join(install.dir, '..', 'loop.sh')
  await writeFile(loopPath, loop)
  const daemon = await startDaemon(t, dir, { LAUNCH: install.launch, ...env }, undefined, [
    'sh',
    loopPath,
  ])
  // Its end ends the daemon too: nothing of it may go on when the folders go.
  afterwards(t, () => daemon.end('SIGKILL'))
  return daemon
}

/** The number of the daemon that the loop has started last. */
export function lastStarted(daemon: Daemon): number {
  const [, pid = '0'] = [...daemon.output().matchAll(/loop: started (\d+)/g)].at(-1) ?? []
  return Number(pid)
}

/** Runs a verb of the version that is current in an install, to its end. */
export function runCurrent(
  install: Install,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Done> {
  const script = join(install.current, 'dist/supervisor.js')
  return runSupervisor(args, cwd, env, undefined, script)
}
