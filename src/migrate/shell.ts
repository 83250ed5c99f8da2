import { basename, relative, resolve } from 'node:path'
import { literal } from '../system/patterns.ts'

/** How a program of Python's is started: what `[program]` needs to know. */
export type Program = {
  /** The file that is run, relative to the connector's folder. */
  readonly entry: string
  readonly args: readonly string[]
  /** The interpreter as it was written, a path made absolute; null: the file is run by itself. */
  readonly python: string | null
}

/** A word of a command line. What only a shell can tell (a variable, a pattern) is not exact. */
type Word = { readonly text: string; readonly isExact: boolean }

/** Where a command line is read: for whom, and in which folder it begins. Both are absolute. */
export type Reader = { readonly home: string; readonly cwd: string }

/** True when a command line or the like names a folder, or something in it. */
export function mentions(text: string, folder: string, home: string): boolean {
  const full = text.replace(/(^|[\s"'=:;&|(])(~|\$HOME|\$\{HOME\}|%h)(?=\/)/g, (_, before) => {
    return `${before}${home}`
  })
  return new RegExp(`(^|[\\s"'=:;&|(])${literal(folder)}(?=$|[/\\s"';&|):])`, 'm').test(full)
}

/**
 * Finds the program of Python's that a command line runs in a folder: `cd F && python3 main.py -v &`,
 * `bash -c "…"`, `F/main.py`. Null: none, or one that only a shell can tell.
 */
export function programOf(text: string, folder: string, reader: Reader): Program | null {
  let { cwd } = reader
  for (const words of commandsIn(text, reader.home)) {
    const [first, second] = words
    if (first?.text === 'cd') {
      cwd = resolve(cwd, second?.text ?? reader.home)
      continue
    }
    const found = programIn(words, folder, { ...reader, cwd })
    if (found !== null) return found
  }
  return null
}

function programIn(words: readonly Word[], folder: string, reader: Reader): Program | null {
  const script = words.findIndex(({ text }) => text === '-c')
  const isShell = words.slice(0, script).some(({ text }) => shells.test(basename(text)))
  if (script > 0 && isShell) return programOf(words[script + 1]?.text ?? '', folder, reader)
  const at = words.findIndex(({ text }) => /^python[\d.]*$/.test(basename(text)))
  const first = at < 0 ? words.findIndex(({ text }) => text.endsWith('.py')) : fileAfter(words, at)
  const [file, ...args] = first < 0 ? [] : words.slice(first)
  if (file === undefined || ![file, ...args].every(({ isExact }) => isExact)) return null
  const entry = relative(folder, resolve(reader.cwd, file.text))
  if (entry === '' || /^(\.\.(\/|$)|\/)/.test(entry)) return null
  const python = words[at]?.text
  return {
    entry,
    args: args.map(({ text }) => text),
    python: python?.includes('/') ? resolve(reader.cwd, python) : (python ?? null),
  }
}

const shells = /^(sh|bash|dash|su|runuser)$/

/** Where the file is that an interpreter is to run: behind its options; -1: it runs something else. */
function fileAfter(words: readonly Word[], python: number): number {
  for (let at = python + 1; at < words.length; at += 1) {
    const { text } = words[at] ?? { text: '' }
    if (text === '-m' || text === '-c') return -1
    if (text === '-W' || text === '-X') at += 1
    else if (!text.startsWith('-')) return at
  }
  return -1
}

/** Blanks; quoted in one way or the other, or one character; redirections, and what ends a command; the rest. */
const piece =
  /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(&?\d*(?:>>|>|<)(?:&[\d-])?|&&|\|\||[;&|()\n])|([^\s'"\\;&|()<>]+|[\s\S])/g

/** The single commands of a line, each by its words. Redirections are left out. */
export function commandsIn(text: string, home: string): Word[][] {
  const commands: Word[][] = []
  let words: Word[] = []
  let word: Word | null = null
  let isTarget = false
  function endWord(): void {
    if (word !== null && !isTarget) words.push(word)
    if (word !== null) isTarget = false
    word = null
  }
  function endCommand(): void {
    endWord()
    if (words.length > 0) commands.push(words)
    words = []
    isTarget = false
  }
  for (const [all, single, double, one, operator, plain] of text.matchAll(piece)) {
    if (operator !== undefined) {
      if (!/[<>]/.test(operator)) endCommand()
      else endWord()
      // `2>&1` is whole; behind `>` the name of a file follows.
      isTarget = /[<>]$/.test(operator)
    } else if (/^\s+$/.test(all)) endWord()
    else word = joined(word, wordPart({ single, double, one, plain }, word === null, home))
  }
  endCommand()
  return commands
}

function joined(before: Word | null, next: Word): Word {
  if (before === null) return next
  return { text: before.text + next.text, isExact: before.isExact && next.isExact }
}

type Part = { readonly [Kind in 'single' | 'double' | 'one' | 'plain']: string | undefined }

function wordPart({ single, double, one, plain }: Part, isFirst: boolean, home: string): Word {
  const exact = single ?? one
  if (exact !== undefined) return { text: exact, isExact: true }
  const isQuoted = double !== undefined
  const known = (double ?? plain ?? '').replace(/\$HOME\b|\$\{HOME\}/g, () => home)
  const text = isFirst && !isQuoted ? known.replace(/^~(?=\/|$)/, () => home) : known
  const isExact = isQuoted ? !/(^|[^\\])[$`]/.test(text) : !/[$`*?[\]]/.test(text)
  return { text: isQuoted ? text.replace(/\\([\\"$`])/g, '$1') : text, isExact }
}
