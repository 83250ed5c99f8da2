import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { until } from './processes.ts'

/** A socket that listens as systemd does. */
export type NotifySocket = {
  /** All fields that have come so far, in order: `READY=1`. What belongs to the transport is left out. */
  readonly fields: () => readonly string[]
  /** Waits until a field has come that matches, and returns the first. */
  readonly hears: (pattern: RegExp) => Promise<string>
  /** Sends a field of the test's own: when it is heard, all that was sent before it has come. */
  readonly mark: (name: string) => Promise<void>
  /** Stops listening; what is sent to it from now on is refused. */
  readonly close: () => Promise<void>
}

/** Why nobody can be told anything here, or false. For the `skip` of a test. */
export function noSystemdNotify(): string | false {
  const isThere = spawnSync('systemd-notify', ['--version']).error === undefined
  return isThere ? false : 'needs systemd-notify: sudo apt install systemd'
}

const script = fileURLToPath(new URL('../../../test/fixtures/datagrams.py', import.meta.url))

/** A new name for a socket in the file system, or for an abstract one. */
export async function socketName(
  t: TestContext,
  kind: 'file' | 'abstract' = 'file',
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ota-notify-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  return kind === 'file' ? join(dir, 'socket') : `@${dir}`
}

/** Opens a socket of this name. It is gone when the test ends. */
export async function openNotifySocket(t: TestContext, name: string): Promise<NotifySocket> {
  const child = spawn('python3', [script, name], {
    env: cleanEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const close = async () => {
    child.stdin.end()
    await ended
  }
  afterwards(t, close)
  const came: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => came.push(JSON.parse(line)))
  const fields = () =>
    came.flatMap((datagram) => datagram.trim().split('\n')).filter((field) => field !== 'BARRIER=1')
  await until('the socket is open', () => fields().includes('listening'))
  async function hears(pattern: RegExp): Promise<string> {
    const found = () => fields().find((field) => pattern.test(field))
    await until(`${pattern} is heard`, () => found() !== undefined)
    return found() ?? ''
  }
  return {
    fields,
    hears,
    async mark(field) {
      const env = { ...cleanEnvironment(), NOTIFY_SOCKET: name }
      await once(spawn('systemd-notify', [`X_${field}=1`], { env, stdio: 'ignore' }), 'exit')
      await hears(new RegExp(`^X_${field}=1$`))
    },
    close,
  }
}
