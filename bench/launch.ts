import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Runs a command to its end and returns its stdout. Rejects when it fails or takes over a minute. */
export async function outputOf(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { timeout: 60_000, ...options })
  return stdout.trim()
}

/**
 * Starts a program that stays, in a process group of its own: a Ctrl-C at the terminal is for the bench
 * alone, which ends what it has started in order. Its output goes to the end of the file `log`.
 */
export function launch(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly log: string },
): ChildProcess & { readonly pid: number } {
  const log = openSync(options.log, 'a')
  const { cwd, env } = options
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const { pid } = child
  child.on('error', () => undefined)
  if (pid === undefined) throw new Error(`${file} could not be started`)
  return Object.assign(child, { pid })
}

/** Where a command of PATH is, absolute; null when it is not installed. */
export async function placeOf(command: string): Promise<string | null> {
  // Some are where an ordinary user's programs are not.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  for (const folder of folders) {
    const place = join(folder, command)
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder.startsWith('/') && isThere) return place
  }
  return null
}

/** The version in what a command prints, or a question mark. */
export async function versionOf(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const text = await outputOf(file, args, { env }).catch(() => '')
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? '?'
}
