import { join } from 'node:path'
import { isExpected } from '../errors.ts'
import { command } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { readTextFile } from '../system/text-file.ts'
import { mentions } from './shell.ts'

/** Whose crontab it is: a user's (null: who asks), or a file of the system's. */
export type Crontab =
  | { readonly is: 'user'; readonly user: string | null }
  | { readonly is: 'file'; readonly path: string }

/** One line that runs something. */
export type CronLine = {
  /** As it stands there. */
  readonly text: string
  /** The five fields, with one blank between them, or a word such as `@reboot`. */
  readonly when: string
  readonly command: string
}

/** A line, and where it stands. */
export type FoundLine = CronLine & { readonly from: Crontab }

/** The name of the old tool's folder, as its README has it. */
export const toolName = 'client-connector-updater'

/** Reads a crontab: crontab(5). In those of the system a user stands before the command. */
export function parseCrontab(text: string, hasUser: boolean): CronLine[] {
  return text.split('\n').flatMap((row): CronLine[] => {
    const line = row.trim()
    if (/^[A-Za-z_"']\w*["']?\s*=/.test(line)) return []
    const form = /^(@[a-z]+|[^\s#@]\S*(?:\s+\S+){4})\s+(.+)$/i.exec(line)
    const [, when = '', rest = ''] = form ?? []
    const command = hasUser ? rest.replace(/^\S+\s*/, '') : rest
    if (command === '') return []
    // What follows a bare `%` is not the command but its input.
    const own = command.replace(/(^|[^\\])%.*$/, '$1').replaceAll('\\%', '%')
    return [{ text: row, when: when.replace(/\s+/g, ' '), command: own.trim() }]
  })
}

/** True for a line that runs the old tool of this folder (absolute). */
export function runsTool({ command }: CronLine, tool: string, home: string): boolean {
  const isRelative = new RegExp(`(^|[\\s"';&|(])(\\./)?${toolName}(?=[/\\s"';&|]|$)`)
  const isThere = mentions(command, tool, home)
  return (
    /\brun\.sh\b/.test(command) &&
    (isThere || (isRelative.test(command) && tool === join(home, toolName)))
  )
}

/** True when the old tool was told to wait for nothing and not to reboot. */
export function isNow({ command }: CronLine): boolean {
  return /\brun\.sh["']?\s+["']?now\b/.test(command)
}

/** The folder beside which a line looks for connectors, if it runs an old tool; absolute. */
export function parentNamed({ command }: CronLine, home: string): string | null {
  const full = command.replace(/(^|[\s"'])(~|\$HOME|\$\{HOME\})(?=\/)/g, `$1${home}`)
  const found = new RegExp(`(/[^\\s"';&|]*)/${toolName}/run\\.sh`).exec(full)
  return found?.[1] ?? null
}

/** All lines of the crontabs that this user may read: his own, as root the owner's too, and the system's. */
export async function readCrontabs(owner: string): Promise<FoundLine[]> {
  const isRoot = process.getuid?.() === 0
  const users = isRoot && owner !== 'root' ? [null, owner] : [null]
  const own = await Promise.all(users.map(ofUser))
  const system = await Promise.all(systemFiles().map(ofFile))
  return [...own, ...system].flat()
}

async function ofUser(user: string | null): Promise<FoundLine[]> {
  const whose = user === null ? [] : ['-u', user]
  // Without a crontab it fails, and says so: that is none.
  const { exitCode, stdout } = await command('crontab', [...whose, '-l'], { timeoutMs: 10_000 })
  if (exitCode !== 0) return []
  return parseCrontab(stdout, false).map((line) => ({ ...line, from: { is: 'user', user } }))
}

/** cron(8), "DEBIAN SPECIFIC": of this folder only names without a dot count. */
function systemFiles(): string[] {
  const folder = '/etc/cron.d'
  const names = disk.list(folder).filter((name) => /^[\w-]+$/.test(name))
  return ['/etc/crontab', ...names.map((name) => join(folder, name))]
}

async function ofFile(path: string): Promise<FoundLine[]> {
  const text = await readIfAllowed(path)
  return parseCrontab(text, true).map((line) => ({ ...line, from: { is: 'file', path } }))
}

/** The text of a file of the system's; `''`: there is none, or not for this user. */
export async function readIfAllowed(path: string): Promise<string> {
  try {
    return (await readTextFile(path, 256_000)) ?? ''
  } catch (error) {
    if (!isExpected(error)) throw error
    return ''
  }
}
