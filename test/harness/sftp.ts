import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeFolder, placeOf, runWell } from './tools.ts'

/**
 * Runs commands of sftp(1) in OpenSSH's real client and real server, joined by pipes: no sshd, no
 * keys, no network.
 */
export async function sftp(t: TestContext, ...commands: readonly string[]): Promise<void> {
  const home = await makeFolder(t)
  const batch = join(home, 'batch')
  await writeFile(batch, commands.map((command) => `${command}\n`).join(''))
  await runWell('sftp', ['-D', serverPlace(), '-b', batch], home)
}

/** A program that lftp can take for `ssh`: whatever it is asked for, it is the SFTP server. */
export async function makeConnectProgram(t: TestContext): Promise<string> {
  const place = join(await makeFolder(t), 'connect')
  await writeFile(place, `#!/bin/sh\nexec ${serverPlace()}\n`)
  await chmod(place, 0o755)
  return place
}

function serverPlace(): string {
  return placeOf('sftp-server') ?? 'sftp-server'
}
