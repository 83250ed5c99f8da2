import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { freePort, greets } from './listening.ts'
import { killGroup } from './processes.ts'
import { hasTools, makeFolder, placeOf } from './tools.ts'

/** A real sshd on loopback, for whoever runs the tests, with keys of its own. Paths are absolute. */
export type SshServer = {
  /** `ssh://USER@127.0.0.1:PORT`; the path of a repository goes behind it. */
  readonly url: string
  /** The private key that it lets in. */
  readonly key: string
  /** A known_hosts file that knows it. */
  readonly knownHosts: string
  /** For GIT_SSH_COMMAND: ssh with these two, and nothing of this user's own settings. */
  readonly command: string
  /** Ends it: from then on its port is closed. */
  readonly close: () => Promise<void>
}

/** True where an SSH server can be had. Else the test is skipped, and says why. */
export function hasSshServer(t: TestContext): boolean {
  if (!hasTools(t, 'ssh', 'ssh-keygen', 'sshd')) return false
  const isRoot = process.getuid?.() === 0
  const isLocked = isRoot && /^root:!/m.test(readFileSync('/etc/shadow', 'utf8'))
  if (isLocked) t.skip('the account root is locked: sshd lets nobody in')
  return !isLocked
}

/** Starts an SSH server that ends with the test. */
export async function startSshServer(t: TestContext): Promise<SshServer> {
  const folder = await makeFolder(t)
  const place = (name: string) => join(folder, name)
  for (const name of ['host', 'key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 't', '-f', place(name)])
  }
  const port = await freePort()
  const user = userInfo().username
  const server = startSshd(place, port, user)
  let output = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = once(server, 'exit')
  const close = async () => {
    if (server.pid !== undefined) killGroup(server.pid)
    await ended
  }
  afterwards(t, close)
  const deadline = Date.now() + 10_000
  // A server that is there says first what it is.
  while (!(await greets(port, 'SSH-2.0-'))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`sshd does not answer on port ${port}:\n${output}`)
    }
    await sleep(20)
  }
  const key = place('key')
  const knownHosts = place('known_hosts')
  const [kind = '', host = ''] = readFileSync(place('host.pub'), 'utf8').split(' ')
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${kind} ${host}\n`)
  const options = [`UserKnownHostsFile=${knownHosts}`, 'IdentitiesOnly=yes', 'BatchMode=yes']
  return {
    url: `ssh://${user}@127.0.0.1:${port}`,
    key,
    knownHosts,
    command: `ssh -F /dev/null -i ${key} ${options.map((one) => `-o ${one}`).join(' ')}`,
    close,
  }
}

function startSshd(place: (name: string) => string, port: number, user: string) {
  const settings = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${place('host')}`,
    `AuthorizedKeysFile ${place('key.pub')}`,
    `PidFile ${place('pid')}`,
    `AllowUsers ${user}`,
    'PermitRootLogin yes',
    'AuthenticationMethods publickey',
    // Anybody may write into the folder above.
    'StrictModes no',
    'UsePAM no',
  ]
  writeFileSync(place('settings'), `${settings.join('\n')}\n`)
  // As root it insists on this folder, which its service makes whenever it starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  return spawn(placeOf('sshd') ?? 'sshd', ['-D', '-e', '-f', place('settings')], {
    cwd: '/',
    env: cleanEnvironment(),
    // A group of its own: each connection is a process, and all are to end with it.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}
