import { basename, join } from 'node:path'
import { isExpected } from '../errors.ts'
import { disk } from '../system/disk.ts'
import type { Scope } from '../system/systemctl.ts'
import { readIfAllowed } from './crontab.ts'
import { mentions, type Program, programOf } from './shell.ts'

/** A service of systemd's that somebody has written for this machine. */
export type Unit = {
  /** `roof.service`; of a template the instance: `connector@roof.service`. */
  readonly name: string
  readonly scope: Scope
  /** Its file, absolute. */
  readonly path: string
  /** It is started at the boot, or with its user's systemd. */
  readonly isEnabled: boolean
  readonly workingDirectory: string | null
  /** The commands that it starts. */
  readonly commands: readonly string[]
}

/** A folder with units, and the home of those that `%h` means there. */
export type UnitFolder = { readonly scope: Scope; readonly path: string; readonly home: string }

/** What a unit says of what it runs, and where: systemd.syntax(7). */
export function parseUnit(text: string): Pick<Unit, 'workingDirectory' | 'commands'> {
  let section = ''
  let workingDirectory: string | null = null
  let commands: string[] = []
  // A comment between two lines that belong together belongs to neither.
  const rows = text.replace(/\r/g, '').replace(/\\\n(?:[#;].*\n)*/g, ' ')
  for (const row of rows.split('\n').map((one) => one.trim())) {
    section = /^\[(.*)\]$/.exec(row)?.[1] ?? section
    const [, key = '', value = ''] = /^(\w+)\s*=\s*(.*)$/.exec(row) ?? []
    if (section !== 'Service') continue
    if (key === 'WorkingDirectory') workingDirectory = value.replace(/^-|["']/g, '') || null
    // An empty value takes back those before it.
    if (key === 'ExecStart') commands = value === '' ? [] : [...commands, value]
  }
  return { workingDirectory, commands: commands.map((one) => one.replace(/^[-@:+!|]+/, '')) }
}

/** True when a unit runs in a folder (absolute), or something that lies in it. */
export function isUnitOf(unit: Unit, folder: string, home: string): boolean {
  const told = [unit.workingDirectory ?? '', ...unit.commands]
  return told.some((text) => mentions(text, folder, home))
}

/** The program of Python's that a unit runs in a folder, if that can be told. */
export function programOfUnit(unit: Unit, folder: string, home: string): Program | null {
  const cwd = (unit.workingDirectory ?? '/').replace(/^(~|%h)(?=\/|$)/, () => home)
  const found = unit.commands.map((text) => programOf(text, folder, { home, cwd }))
  return found.find((program) => program !== null) ?? null
}

/** The services in these folders; what this user cannot read is none. The enabled ones come first. */
export async function readUnits(folders: readonly UnitFolder[]): Promise<Unit[]> {
  const found = await Promise.all(folders.map(readFolder))
  return found.flat().sort((one, other) => Number(other.isEnabled) - Number(one.isEnabled))
}

async function readFolder({ scope, path: folder, home }: UnitFolder): Promise<Unit[]> {
  const names = listed(folder)
  const wanted = new Set(
    names
      .filter((name) => /\.(wants|requires)$/.test(name))
      .flatMap((name) => listed(join(folder, name))),
  )
  const units = names
    .filter((name) => name.endsWith('.service'))
    .map(async (name) => {
      const path = join(folder, name)
      const text = (await readIfAllowed(path)).replaceAll('%h', () => home)
      const about = { scope, path, ...parseUnit(text) }
      if (!name.endsWith('@.service')) return [{ ...about, name, isEnabled: wanted.has(name) }]
      const prefix = name.slice(0, -'.service'.length)
      return [...wanted]
        .filter((one) => one.startsWith(prefix))
        .map((instance) => ({
          ...about,
          ...parseUnit(
            text.replace(/%[iI]/g, () => basename(instance, '.service').slice(prefix.length)),
          ),
          name: instance,
          isEnabled: true,
        }))
    })
  return (await Promise.all(units)).flat()
}

function listed(folder: string): string[] {
  try {
    return disk.list(folder)
  } catch (error) {
    // The home of another user.
    if (!isExpected(error)) throw error
    return []
  }
}
