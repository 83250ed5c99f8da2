import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { allPids, type Process, processOf } from '../../src/system/processes.ts'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { until } from './processes.ts'

/** What a command in the box did. */
export type Done = { readonly code: number; readonly stdout: string; readonly output: string }

/** A user of the box. */
export type BoxUser = { readonly uid: number; readonly env: NodeJS.ProcessEnv }

/** A booted systemd on a copy-on-write view of this machine; nothing in it can write to the machine. */
export type Box = {
  /** Runs a command in the box, as root or as a user of its own group, to its end. */
  readonly run: (args: readonly string[], as?: BoxUser) => Promise<Done>
  /** The same, and fails with all it said when its exit code is not 0; the answer is its stdout. */
  readonly does: (...args: readonly string[]) => Promise<string>
  /** A path in the box, as it is reached from outside; it changes with each boot. */
  readonly path: (inside: string) => string
  /** Reboots it in order, and waits until it is up again. */
  readonly reboot: () => Promise<void>
}

/** Where the project's clone is in the box, for reading only. */
export const cloneInBox = '/opt/ota-supervisor'

/** This Node in the box: in a place that every user of it may read. */
export const nodeInBox = '/opt/node/bin/node'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const script = join(root, 'test/fixtures/systemd-box.py')

const packages = {
  'systemd-nspawn': 'systemd-container',
  systemctl: 'systemd',
  'systemd-notify': 'systemd',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
}

/** Why no systemd can be booted here, or false; that the machine refuses it shows only at the boot. */
export function noSystemdBox(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: it boots a systemd in a container'
  const missing = Object.entries(packages).filter(
    ([tool]) => spawnSync(tool, ['--version']).error !== undefined,
  )
  if (missing.length === 0) return false
  const names = [...new Set(missing.map(([, name]) => name))]
  return `needs ${missing.map(([tool]) => tool).join(' and ')}: sudo apt install ${names.join(' ')}`
}

/**
 * Boots a box. It is gone, with all that is mounted for it, when the test ends, and also when the test
 * is killed. The answer is a text, which says why, when this machine (a container?) refuses it.
 */
export async function bootSystemd(t: TestContext): Promise<Box | string> {
  const dir = await mkdtemp(join(tmpdir(), 'ota-box-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const binds = [`${root.replace(/\/$/, '')}:${cloneInBox}`, `${process.execPath}:${nodeInBox}`]
  const child = spawn('python3', [script, dir, ...binds.map((bind) => `--bind-ro=${bind}`)], {
    env: cleanEnvironment(),
    // A Ctrl-C at the terminal is not for it: it ends with its stdin.
    detached: true,
    stdio: 'pipe',
  })
  const ended = once(child, 'exit')
  afterwards(t, async () => {
    child.stdin.end()
    await ended
  })
  let console = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      console = (console + text).slice(-10_000)
    })
  }

  let first = await untilBooted(child.pid ?? 0, 0, () => child.exitCode !== null)
  if (first === null) return `no systemd can be booted here: ${console.trim().slice(-500)}`

  function run(args: readonly string[], as?: BoxUser): Promise<Done> {
    const who = as === undefined ? [] : ['-S', `${as.uid}`, '-G', `${as.uid}`]
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
    }
    return execute('nsenter', ['-t', `${first}`, '--all', ...who, '--', ...args], {
      ...env,
      LC_ALL: 'C.UTF-8',
      ...as?.env,
    })
  }
  return {
    run,
    async does(...args) {
      const done = await run(args)
      if (done.code !== 0)
        throw new Error(`${args.join(' ')} failed (${done.code}):\n${done.output}`)
      return done.stdout.trim()
    },
    path: (inside) => `/proc/${first}/root${inside}`,
    async reboot() {
      await run(['systemctl', 'reboot'])
      first = await untilBooted(child.pid ?? 0, first ?? 0, () => child.exitCode !== null)
      if (first === null) throw new Error(`the box did not come up again:\n${console}`)
    },
  }
}

/** The number of the box's first process once all is started; null when its keeper has ended. */
async function untilBooted(
  keeper: number,
  before: number,
  hasEnded: () => boolean,
): Promise<number | null> {
  let first: number | undefined
  await until(
    'the box is up',
    async () => {
      if (hasEnded()) return true
      first = initOf(keeper)
      if (first === undefined || first === before) return false
      const args = ['-t', `${first}`, '--all', '--', 'systemctl', 'is-system-running']
      return /running|degraded/.test((await execute('nsenter', args, process.env)).stdout)
    },
    60_000,
  )
  return hasEnded() ? null : (first ?? null)
}

/** The systemd that a systemd-nspawn below the keeper has started. */
function initOf(keeper: number): number | undefined {
  const all = new Map(
    allPids().flatMap((pid) => {
      const found = processOf(pid)
      return found === null ? [] : [[pid, found] as const]
    }),
  )
  const isBelow = (one: Process | undefined): boolean =>
    one !== undefined && (one.pid === keeper || isBelow(all.get(one.parent)))
  return [...all.values()].find(
    (one) =>
      one.name === 'systemd' && all.get(one.parent)?.name === 'systemd-nspawn' && isBelow(one),
  )?.pid
}

function execute(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Done> {
  return new Promise((resolve) => {
    const options = { env, timeout: 90_000, killSignal: 'SIGKILL' } as const
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1
      resolve({ code, stdout, output: (stdout + stderr).trim() })
    })
  })
}
