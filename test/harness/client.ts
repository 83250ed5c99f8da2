import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { startFtpServer } from './ftp.ts'
import type { FtpServer } from './ftp-settings.ts'
import { readTree } from './project.ts'
import { makeFolder, placeOf, type Tool } from './tools.ts'

/** An upload client that runs. */
export type Client = {
  readonly signal: (signal: NodeJS.Signals) => void
  /** Types a line into it. */
  readonly type: (line: string) => void
  /** All it has printed so far. */
  readonly output: () => string
  /** Resolves with its exit code or signal. */
  readonly ended: Promise<number | string>
  /** Waits for its end and fails with what it printed unless it succeeded. */
  readonly succeeds: () => Promise<void>
}

/** What an upload is to be like. */
export type Manner = {
  /** Bytes a second; without it as fast as it can. */
  readonly rate?: number
  /** The user who uploads; without it who runs the tests. What he makes is open for all. */
  readonly uid?: number
}

/** A way to put all of a folder into a deposit, as one connection of a real client to a real server. */
export type Way = {
  readonly tools: readonly Tool[]
  readonly start: (t: TestContext, from: string, to: string, how?: Manner) => Promise<Client>
}

/** Starts a client, or a shell that becomes one. It is killed, with its servers, when the test ends. */
export async function startClient(
  t: TestContext,
  tool: Tool,
  args: readonly string[],
  { uid }: Manner = {},
): Promise<Client> {
  const home = await makeFolder(t)
  if (uid !== undefined) await chmod(home, 0o777)
  const umask = uid === undefined ? 'umask 022' : 'umask 000'
  const child = spawn('sh', ['-c', `${umask}; exec "$@"`, 'sh', placeOf(tool) ?? tool, ...args], {
    cwd: home,
    env: { ...cleanEnvironment(), HOME: home, LFTP_HOME: home, LC_ALL: 'C.UTF-8' },
    // A group of its own: the server it starts is to end with the test too.
    detached: true,
    stdio: 'pipe',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  afterwards(t, async () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // Gone already.
    }
    await ended
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  child.stdin.on('error', () => undefined)
  return {
    signal: (signal) => void child.kill(signal),
    type: (line) => void child.stdin.write(`${line}\n`),
    output: () => output,
    ended,
    async succeeds() {
      const code = await ended
      if (code !== 0) throw new Error(`${tool} ${args.join(' ')} failed (${code}):\n${output}`)
    },
  }
}

/** A program that scp can take for `ssh`: it runs on this machine what is to run on the other. */
async function makeRemoteShell(t: TestContext): Promise<string> {
  const place = join(await makeFolder(t), 'remote')
  const server = placeOf('sftp-server') ?? 'sftp-server'
  const lines = [
    'while [ "$1" != "--" ]; do shift; done',
    'shift 2',
    `[ "$1" = sftp ] && exec ${server}`,
    'exec sh -c "exec $*"',
  ]
  await writeFile(place, `#!/bin/sh\n${lines.join('\n')}\n`)
  await chmod(place, 0o755)
  await chmod(join(place, '..'), 0o755)
  return place
}

async function paths(from: string): Promise<string[]> {
  return (await readdir(from)).map((name) => join(from, name))
}

function kilobits(rate: number | undefined): string[] {
  return rate === undefined ? [] : ['-l', `${Math.round((rate * 8) / 1_000)}`]
}

function scp(...flags: string[]): Way {
  return {
    tools: ['scp', 'sftp-server'],
    async start(t, from, to, how = {}) {
      const shell = await makeRemoteShell(t)
      const files = await paths(from)
      const args = ['-q', '-r', ...flags, '-S', shell, ...kilobits(how.rate), ...files]
      return startClient(t, 'scp', [...args, `localhost:${to}/`], how)
    },
  }
}

function rsync(...flags: string[]): Way {
  return {
    tools: ['rsync'],
    async start(t, from, to, how = {}) {
      const rate = how.rate === undefined ? [] : [`--bwlimit=${Math.round(how.rate / 1_000)}`]
      const args = ['-r', '--chmod=ugo=rwX', ...flags, ...rate, `${from}/`, to]
      return startClient(t, 'rsync', args, how)
    },
  }
}

/** The programs that a server needs. */
const toolsOf: Readonly<Record<FtpServer, readonly Tool[]>> = {
  vsftpd: ['vsftpd'],
  proftpd: ['proftpd'],
  'pure-ftpd': ['pure-ftpd', 'pure-pw'],
}

function lftp(kind: FtpServer, settings = ''): Way {
  return {
    tools: ['lftp', ...toolsOf[kind]],
    async start(t, from, to, how = {}) {
      const server = await startFtpServer(t, to, how.uid, kind)
      const rate =
        how.rate === undefined
          ? ''
          : // Else it sends two seconds' worth at once.
            `set net:limit-rate ${how.rate}; set net:limit-max ${how.rate / 10};`
      const always = 'set net:max-retries 1; set cmd:fail-exit yes; set ftp:ssl-allow no;'
      const commands = `${always} ${settings} ${rate} open ${server}; mirror -R --no-perms ${from} .`
      return startClient(t, 'lftp', ['--norc', '-c', commands], how)
    },
  }
}

function curl(kind: FtpServer): Way {
  return {
    tools: ['curl', ...toolsOf[kind]],
    async start(t, from, to, how = {}) {
      const server = await startFtpServer(t, to, how.uid, kind)
      const pairs = Object.keys(await readTree(from)).flatMap((path) => {
        return [
          '-T',
          join(from, path),
          `${server}/${path.split('/').map(encodeURIComponent).join('/')}`,
        ]
      })
      const rate = how.rate === undefined ? [] : ['--limit-rate', `${how.rate}`]
      return startClient(t, 'curl', ['-sS', '--ftp-create-dirs', ...rate, ...pairs], how)
    },
  }
}

/** The ways that tests upload by. */
export const ways: Readonly<Record<string, Way>> = {
  sftp: {
    tools: ['sftp', 'sftp-server'],
    async start(t, from, to, how = {}) {
      const batch = join(await makeFolder(t), 'batch')
      const lines = (await paths(from)).map((path) => `put -r "${path}"\n`)
      await writeFile(batch, `cd "${to}"\n${lines.join('')}`)
      await chmod(join(batch, '..'), 0o755)
      return startClient(t, 'sftp', [...sftpServer(), ...kilobits(how.rate), '-b', batch], how)
    },
  },
  scp: scp(),
  'scp -O': scp('-O'),
  rsync: rsync(),
  'rsync --inplace': rsync('--inplace'),
  'curl to vsftpd': curl('vsftpd'),
  'curl to ProFTPD': curl('proftpd'),
  'curl to Pure-FTPd': curl('pure-ftpd'),
  'lftp to vsftpd': lftp('vsftpd'),
  'lftp to vsftpd, temporary names': lftp('vsftpd', 'set xfer:use-temp-file yes;'),
  'lftp to Pure-FTPd': lftp('pure-ftpd'),
}

/** A window of sftp(1) that stays open: it does what is typed into it. */
export function openSftp(t: TestContext, how: Manner = {}): Promise<Client> {
  return startClient(t, 'sftp', [...sftpServer(), ...kilobits(how.rate), '-b', '-'], how)
}

function sftpServer(): string[] {
  return ['-D', placeOf('sftp-server') ?? 'sftp-server']
}
