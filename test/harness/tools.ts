import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'

/** The tools that tests use, and the Debian package each comes from. */
const packageOf = {
  curl: 'curl',
  lftp: 'lftp',
  'lowntfs-3g': 'ntfs-3g',
  mkntfs: 'ntfs-3g',
  mkfifo: 'coreutils',
  mknod: 'coreutils',
  openssl: 'openssl',
  proftpd: 'proftpd-core',
  'pure-ftpd': 'pure-ftpd',
  'pure-pw': 'pure-ftpd-common',
  rsync: 'rsync',
  scp: 'openssh-client',
  sftp: 'openssh-client',
  'sftp-server': 'openssh-sftp-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  vsftpd: 'vsftpd',
}

/** A program that a test uses. */
export type Tool = keyof typeof packageOf

/** Programs that every Linux has. */
type Basic = 'cp' | 'chown' | 'sh'

function isBasic(tool: Tool | Basic): tool is Basic {
  return ['cp', 'chown', 'sh'].includes(tool)
}

/** What a tool did: its exit code, and all it printed. */
export type Done = { readonly code: number; readonly output: string }

// Servers are not on the PATH of an ordinary user.
const folders = [
  ...(process.env['PATH'] ?? '').split(':'),
  '/usr/sbin',
  '/sbin',
  '/usr/lib/openssh',
]

/** Where a tool is, absolute; null when it is not installed. */
export function placeOf(tool: Tool): string | null {
  for (const folder of folders.filter((dir) => dir.startsWith('/'))) {
    const place = join(folder, tool)
    try {
      accessSync(place, constants.X_OK)
      return place
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/** True when all tools are there. Else the test is skipped, and says what to install. */
export function hasTools(t: TestContext, ...tools: readonly Tool[]): boolean {
  const missing = tools.filter((tool) => placeOf(tool) === null)
  if (missing.length === 0) {
    const isRefused = tools.includes('pure-ftpd') && process.getuid?.() !== 0
    if (isRefused) t.skip('needs root: Pure-FTPd becomes the user who uploads')
    return !isRefused
  }
  const packages = [...new Set(missing.map((tool) => packageOf[tool]))]
  t.skip(`needs ${missing.join(' and ')}: sudo apt install ${packages.join(' ')}`)
  return false
}

/** An empty folder outside of the project, removed after the test. */
export async function makeFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ota-client-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Runs a tool to its end, whatever that is; `home` keeps it from the settings of whoever runs the tests. */
export function run(
  tool: Tool | Basic,
  args: readonly string[],
  home: string,
  signal?: AbortSignal,
): Promise<Done> {
  const place = isBasic(tool) ? tool : (placeOf(tool) ?? tool)
  return new Promise((resolve) => {
    execFile(
      place,
      args,
      {
        cwd: home,
        env: { ...cleanEnvironment(), HOME: home, LFTP_HOME: home, LC_ALL: 'C.UTF-8' },
        timeout: 60_000,
        // It is never a mercy to a client that hangs; and a killed one must leave its temporary file.
        killSignal: 'SIGKILL',
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, output: `${stdout}${stderr}` })
      },
    )
  })
}

/** Runs a tool to its end and fails with what it printed unless it succeeds. */
export async function runWell(
  tool: Tool | Basic,
  args: readonly string[],
  home: string,
): Promise<void> {
  const { code, output } = await run(tool, args, home)
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')} failed (${code}):\n${output}`)
}
