import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { makeFolder, placeOf } from './tools.ts'

/**
 * Starts a real vsftpd on the loopback address, for anonymous uploads below `root`, and returns its
 * URL (`ftp://127.0.0.1:PORT`). It runs as whoever runs the tests, or as a user that is known by name,
 * whose files are then open for all. It ends with the test.
 */
export async function startFtpServer(t: TestContext, root: string, uid?: number): Promise<string> {
  const home = await makeFolder(t)
  const port = await freePort()
  const empty = join(home, 'empty')
  await mkdir(empty)
  const config = join(home, 'vsftpd.conf')
  await writeFile(config, settings({ port, root, empty, uid }))
  if (uid !== undefined) {
    await chmod(home, 0o755)
    // vsftpd takes no settings file of another user.
    await chown(config, uid, uid)
  }
  const server = spawn(placeOf('vsftpd') ?? 'vsftpd', [config], {
    cwd: home,
    env: cleanEnvironment(),
    // A group of its own: each connection is a process, and all are to end with the test.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const ended = once(server, 'exit')
  let output = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  afterwards(t, async () => {
    if (server.pid !== undefined) endGroup(server.pid)
    await ended
  })
  const deadline = Date.now() + 10_000
  while (!(await answers(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`vsftpd does not answer on port ${port}:\n${output}`)
    }
    await sleep(20)
  }
  return `ftp://127.0.0.1:${port}`
}

function settings(about: {
  port: number
  root: string
  empty: string
  uid: number | undefined
}): string {
  const username = about.uid === undefined ? userInfo().username : nameOf(about.uid)
  const lines = {
    listen: 'YES',
    listen_address: '127.0.0.1',
    listen_port: about.port,
    pasv_address: '127.0.0.1',
    background: 'NO',
    // No chroot and no change of user: it works for root and for everybody else alike.
    run_as_launching_user: 'YES',
    ftp_username: username,
    secure_chroot_dir: about.empty,
    anonymous_enable: 'YES',
    no_anon_password: 'YES',
    local_enable: 'NO',
    anon_root: about.root,
    anon_umask: about.uid === undefined ? '022' : '000',
    file_open_mode: '0666',
    anon_world_readable_only: 'NO',
    anon_upload_enable: 'YES',
    anon_mkdir_write_enable: 'YES',
    anon_other_write_enable: 'YES',
    write_enable: 'YES',
    connect_from_port_20: 'NO',
    xferlog_enable: 'NO',
    // Not every container lets a process have a sandbox of its own.
    seccomp_sandbox: 'NO',
    isolate: 'NO',
    isolate_network: 'NO',
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function nameOf(uid: number): string {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const line = lines.find((text) => text.split(':')[2] === `${uid}`)
  if (line === undefined) throw new Error(`no user has the number ${uid}`)
  return line.split(':')[0] ?? ''
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
