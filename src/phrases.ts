import type { Cause, Exit, Health, Outcome, Release } from './model.ts'

/** A process, as people are told of it. */
export type Named = { readonly pid: number; readonly name: string }

/** An outcome, in words. */
export function resultText(outcome: Outcome): string {
  return outcome.result === 'rolled-back' ? 'rolled back' : outcome.result
}

/** Where a release came from. */
export function originText(release: Release): string {
  if (release.from === 'deposit') return 'the deposit'
  const { new: commit, of, subject } = release.commit
  return `git (${of}, ${commit.slice(0, 9)}: ${shown(subject)})`
}

/** What a person wants to know first: is the old program still there? */
export function untouchedText(outcome: Outcome): string {
  return outcome.result === 'rejected'
    ? 'nothing was changed in main/, and main.py was not stopped'
    : 'main/ holds again what it held before'
}

/** Nobody here has sent it: the daemon's own stops are not reported as an exit. */
export function killedText(exit: Exit): string {
  return exit.is === 'signal' && exit.signal === 'SIGKILL'
    ? ' (out of memory? see: sudo dmesg | tail)'
    : ''
}

/** Why the program is started or stopped. */
export function causeText(cause: Cause): string {
  switch (cause.by) {
    case 'boot':
      return 'the daemon has started'
    case 'shutdown':
      return 'the daemon is stopping'
    case 'release':
      return `release ${cause.id}`
    case 'roll-back':
      return `roll-back of ${cause.id}`
    case 'retry':
      return `again, after it ${exitText(cause.after)}`
    case 'packages':
      return 'its packages are installed now'
    case 'recovery':
      return 'recovery from a fault'
    case 'health':
      return `not healthy (${cause.why})`
    case 'memory':
      return `too much memory (${size(cause.bytes)})`
    case 'operator':
      return `operator: ${cause.does}`
  }
}

/** How the health checks stand; null: nothing is to be said of it. */
export function healthText(health: Health): string | null {
  switch (health.is) {
    case 'none':
      return null
    case 'starting':
      return health.why === undefined ? 'not checked yet' : `not healthy yet: ${health.why}`
    case 'healthy':
      return 'healthy'
    case 'failing':
      return `failed ${count(health.inARow, 'health check')} in a row: ${health.why}`
  }
}

/** How a process ended. */
export function exitText(exit: Exit): string {
  switch (exit.is) {
    case 'code':
      return `ended with exit code ${exit.code}`
    case 'signal':
      return `was ended by ${exit.signal}`
    case 'unstartable':
      return `could not be started: ${exit.why}`
    case 'unhealthy':
      return `failed ${count(exit.inARow, 'health check')} in a row (${exit.why})`
    case 'too big':
      return `used ${size(exit.bytes)} of memory (max_memory is ${size(exit.maxBytes)})`
  }
}

/** Processes by name and number. */
export function names(processes: readonly Named[]): string {
  return processes.map(({ pid, name }) => `${name} (pid ${pid})`).join(', ')
}

/** The way out, on a line of its own; nothing where none is known. */
export function hintText(hint: string | undefined): string {
  return hint === undefined ? '' : `\n${hint}`
}

/** A number with its noun, in the right form. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** `850 ms`, `1.5 s`, `10 s`, `10 min`, `5 h`, `12 days`. */
export function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms >= 172_800_000) return `${Math.round(ms / 86_400_000)} days`
  if (ms >= 7_200_000) return `${Math.round(ms / 3_600_000)} h`
  if (ms >= 120_000) return `${Math.round(ms / 60_000)} min`
  return `${Number((ms / 1_000).toFixed(1))} s`
}

/** `812 bytes`, `3.4 kB`, `12 MB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return count(bytes, 'byte')
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length)
  const value = bytes / 1_000 ** power
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[power - 1]}`
}

/**
 * A name as people may see it: a line break in it must not look like the end of what is said, nor an
 * escape sequence upset a terminal.
 */
export function shown(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]/gu, escaped)
}

/** The same for what other programs said, line by line. */
export function shownLines(text: string): string {
  return text.split('\n').map(shown).join('\n')
}

/**
 * Any text in lines of at most so many columns, broken at its blanks; its own line ends stay. A line that begins
 * with a blank is quoted, and stays as it is.
 */
export function wrapped(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith(' ')) return [line]
    const lines = ['']
    for (const word of line.split(' ')) {
      const last = lines.at(-1) ?? ''
      if (last === '') lines[lines.length - 1] = word
      else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
      else lines.push(word)
    }
    return lines
  })
}

/** A command with its arguments, as it is pasted into a shell. */
export function shellLine(...words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // A control character would do something to the terminal that shows the line.
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${word.replace(/[\\']/g, '\\$&').replace(/\p{Cc}/gu, escaped)}'`
}

/** As JSON and the shell's `$'…'` write it. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Any text with addresses in it, without the users and passwords in them. */
export function withoutPassword(text: string): string {
  return text.replace(/:\/\/[^/\s]*@/g, '://****@')
}
