import type { FoundLine } from './crontab.ts'
import { readIfAllowed } from './crontab.ts'
import { mentions, type Program, programOf } from './shell.ts'
import { isUnitOf, programOfUnit, type Unit } from './units.ts'

/** What can start a program when the machine boots. */
export type Boot = {
  readonly units: readonly Unit[]
  /** All lines of crontabs. */
  readonly lines: readonly FoundLine[]
  /** The lines of /etc/rc.local. */
  readonly commands: readonly string[]
}

/** What starts a connector's program, as far as it was found; `program` is null where only a shell can tell it. */
export type Start =
  | { readonly is: 'unit'; readonly unit: Unit; readonly program: Program | null }
  | { readonly is: 'line'; readonly line: FoundLine; readonly program: Program | null }
  | { readonly is: 'rc.local'; readonly text: string; readonly program: Program | null }
  | { readonly is: 'unknown' }

const rcLocal = '/etc/rc.local'

/** Adds what /etc/rc.local starts. */
export async function readBoot(lines: readonly FoundLine[], units: readonly Unit[]): Promise<Boot> {
  const rows = (await readIfAllowed(rcLocal)).split('\n').map((row) => row.trim())
  return { units, lines, commands: rows.filter((row) => row !== '' && !row.startsWith('#')) }
}

/**
 * Decides what starts the program of a connector's folder (absolute). It may be named by its environment only:
 * `environment`, absolute. What systemd has been told to start goes first.
 */
export function findStart(
  folder: string,
  environment: string | null,
  home: string,
  { units, lines, commands }: Boot,
): Start {
  const places = environment === null ? [folder] : [folder, environment]
  const names = (text: string) => places.some((place) => mentions(text, place, home))
  const unit = units.find((one) => places.some((place) => isUnitOf(one, place, home)))
  const ofUnit = unit && { is: 'unit' as const, unit, program: programOfUnit(unit, folder, home) }
  if (ofUnit?.unit.isEnabled) return ofUnit
  for (const line of lines.filter(({ when }) => when === '@reboot')) {
    const program = programOf(line.command, folder, { home, cwd: home })
    if (program !== null || names(line.command)) return { is: 'line', line, program }
  }
  for (const text of commands) {
    const program = programOf(text, folder, { home: '/root', cwd: '/' })
    if (program !== null || names(text)) return { is: 'rc.local', text, program }
  }
  return ofUnit ?? { is: 'unknown' }
}
