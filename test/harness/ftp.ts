import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { type FtpServer, ftpSettings } from './ftp-settings.ts'
import { freePort, greets } from './listening.ts'
import { killGroup } from './processes.ts'
import { makeFolder, placeOf } from './tools.ts'

/**
 * Starts a real FTP server on the loopback address, for uploads to `root`, and returns its URL
 * (`ftp://127.0.0.1:PORT`, with name and password if it wants them). The files belong to whoever runs
 * the tests, or to a user who is known by name; then they are open for all. It ends with the test.
 */
export async function startFtpServer(
  t: TestContext,
  root: string,
  uid?: number,
  kind: FtpServer = 'vsftpd',
): Promise<string> {
  const home = await makeFolder(t)
  const port = await freePort()
  const isOpen = uid !== undefined
  if (isOpen) await chmod(home, 0o755)
  const about = { home, port, root, uid: uid ?? process.getuid?.() ?? 0, isOpen }
  const { args, login } = await ftpSettings[kind](about)
  const server = spawn(placeOf(kind) ?? kind, args, {
    cwd: home,
    env: cleanEnvironment(),
    // A group of its own: each connection is a process, and all are to end with the test.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // It needs root to become the user who uploads.
    ...(isOpen && kind !== 'pure-ftpd' ? { uid, gid: uid } : {}),
  })
  const ended = once(server, 'exit')
  let output = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  afterwards(t, async () => {
    if (server.pid !== undefined) killGroup(server.pid)
    await ended
  })
  const deadline = Date.now() + 10_000
  while (!(await greets(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${kind} does not answer on port ${port}:\n${output}`)
    }
    await sleep(20)
  }
  return `ftp://${login}127.0.0.1:${port}`
}
