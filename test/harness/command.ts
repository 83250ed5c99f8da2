import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment, supervisorJs } from './daemon.ts'

/** What a command that ends by itself did. */
export type Done = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the built entry (or another `script`) with arguments, to its end. It is killed when that takes longer than
 * 100 s. With `uid` it runs as that user, in no other group.
 */
export async function runSupervisor(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  uid?: number,
  script = supervisorJs,
): Promise<Done> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 100_000,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

/** A PATH that has every command of this machine's, but for the named ones. */
export async function pathWithout(t: TestContext, ...missing: readonly string[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ota-path-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const bin = join(dir, 'bin')
  await mkdir(bin)
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    for (const name of await readdir(folder).catch(() => [])) {
      // The first in PATH wins, as it does in a search.
      if (!missing.includes(name)) await symlink(join(folder, name), join(bin, name)).catch(() => 0)
    }
  }
  return bin
}
