import { shellLine } from '../phrases.ts'
import type { Machine } from './patient.ts'

/** A line to paste for something that only root, or the `owner` (a uid) of the thing, may do. */
export function rootLine(machine: Machine, words: readonly string[], owner = 0): string {
  const { uid } = machine.self
  return shellLine(...(uid === 0 || uid === owner ? [] : ['sudo']), ...words)
}

/** Installs a package of Debian's; undefined where there is no apt: names of packages differ. */
export function installLine(machine: Machine, name: string): string | undefined {
  return machine.hasApt ? rootLine(machine, ['apt', 'install', name]) : undefined
}

/** Adds a line of text to a file of root's. */
export function appendLine(machine: Machine, text: string, path: string): string {
  return `${shellLine('echo', text)} | ${rootLine(machine, ['tee', '-a', path])}`
}

/** Several lines as one, each only if the one before it has succeeded. */
export function inTurn(...lines: readonly string[]): string {
  return lines.join(' && ')
}

/** Another verb of this ota-supervisor, as root. */
export function verbLine(machine: Machine, ...words: readonly string[]): string {
  return rootLine(machine, [process.execPath, process.argv[1] ?? 'ota-supervisor', ...words])
}

/** `doctor` again, as root: who sees everything. `project` is absolute. */
export function askRoot(machine: Machine, project: string): string {
  return verbLine(machine, 'doctor', '-C', project)
}
