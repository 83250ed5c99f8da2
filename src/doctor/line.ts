import type { Machine } from './patient.ts'

/** A command with its arguments, as it is pasted into a shell. */
export function line(...words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

/** The same for something that only root, or the `owner` (a uid) of the thing, may do. */
export function rootLine(machine: Machine, words: readonly string[], owner = 0): string {
  const { uid } = machine.self
  return line(...(uid === 0 || uid === owner ? [] : ['sudo']), ...words)
}

/** Installs a package of Debian's; undefined where there is no apt: names of packages differ. */
export function installLine(machine: Machine, name: string): string | undefined {
  return machine.hasApt ? rootLine(machine, ['apt', 'install', name]) : undefined
}

/** Several lines as one, each only if the one before it has succeeded. */
export function both(...lines: readonly string[]): string {
  return lines.join(' && ')
}

/** Writes a line of text into a file that is root's: `>`, or `>>` for one that is there already. */
export function writeLine(machine: Machine, text: string, redirect: '>' | '>>', path: string) {
  const tee = redirect === '>' ? ['tee'] : ['tee', '-a']
  return `${line('echo', text)} | ${rootLine(machine, [...tee, path])}`
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // A control character would do something to the terminal that shows the line.
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${word.replace(/[\\']/g, '\\$&').replace(/\p{Cc}/gu, escaped)}'`
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Another verb of this ota-supervisor, as root. */
export function verbLine(machine: Machine, ...words: readonly string[]): string {
  return rootLine(machine, [process.execPath, process.argv[1] ?? 'ota-supervisor', ...words])
}

/** `doctor` again, as root: who sees everything. `project` is absolute. */
export function askRoot(machine: Machine, project: string): string {
  return verbLine(machine, 'doctor', '-C', project)
}
