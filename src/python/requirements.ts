import { posix } from 'node:path'
import { packageWords } from '../words-packages.ts'
import type { Mistake } from './gupfile.ts'

/** The files of main as they will be once a release is in it. Paths are relative to main. */
export type View = {
  /** Where the file is now, absolute; null when main will have no file there. */
  readonly place: (path: string) => string | null
  /** Its text; null when main will have no file there. One that is far too large fails with `EFBIG`. */
  readonly text: (path: string) => Promise<string | null>
  /** The names of what main will have in this folder. */
  readonly names: (folder: string) => readonly string[]
}

/** What a requirements.txt comes to, with all that it names inside main. */
export type Requirements =
  | {
      readonly files: readonly { readonly path: string; readonly text: string }[]
      /** Wheels and archives in main that are to be installed. */
      readonly archives: readonly string[]
      /** Nothing is required. */
      readonly isEmpty: boolean
    }
  | { readonly mistakes: readonly Mistake[] }

type Reading = {
  readonly view: View
  readonly files: Map<string, string>
  readonly archives: Set<string>
  readonly mistakes: Mistake[]
  required: number
}

/**
 * Reads a requirements file and those that it names (`-r`, `-c`). All of pip's syntax may be in it; only
 * a folder of main as a package is a mistake: what is installed from it would change with main.
 */
export async function readRequirements(path: string, view: View): Promise<Requirements> {
  const reading: Reading = {
    view,
    files: new Map(),
    archives: new Set(),
    mistakes: [],
    required: 0,
  }
  await readFile(path, reading)
  const { files, archives, mistakes, required } = reading
  if (mistakes.length > 0) return { mistakes }
  const read = [...files].map(([name, text]) => ({ path: name, text }))
  return { files: read, archives: [...archives].sort(), isEmpty: required === 0 }
}

async function readFile(path: string, reading: Reading): Promise<void> {
  const text = await reading.view.text(path)
  if (text === null || reading.files.has(path)) return
  reading.files.set(path, text)
  for (const { line, content } of logicalLines(text)) {
    const why = await take(content, path, reading)
    if (why !== null) reading.mistakes.push({ path, line, why })
  }
}

/** What pip sees as lines: joined where one ends in a backslash, without comments. */
function logicalLines(text: string): { line: number; content: string }[] {
  const found: { line: number; content: string }[] = []
  let begun: { line: number; content: string } | null = null
  for (const [index, row] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line: number = begun?.line ?? index + 1
    const content: string = (begun?.content ?? '') + row.replace(/(^|\s)#.*$/, '')
    begun = content.endsWith('\\') ? { line, content: content.slice(0, -1) } : null
    if (begun === null && content.trim() !== '') found.push({ line, content: content.trim() })
  }
  return begun === null ? found : [...found, begun]
}

/** Takes in one line; the answer is what is wrong with it. */
async function take(content: string, from: string, reading: Reading): Promise<string | null> {
  const other = /^(?:-r|-c|--requirement|--constraint)[\s=]*(.+)$/.exec(content)?.[1]
  if (other !== undefined) return takeFile(other, from, reading)
  const editable = /^(?:-e|--editable)[\s=]*(.+)$/.exec(content)?.[1]
  const isOption = content.startsWith('-') && editable === undefined
  if (isOption) return null
  reading.required += 1
  const target = (editable ?? content).split(/\s/)[0] ?? ''
  return isLocal(target) ? takeLocal(target, reading) : null
}

async function takeFile(target: string, from: string, reading: Reading): Promise<string | null> {
  if (/^[a-z]+:\/\//i.test(target)) return null
  const path = posix.join(posix.dirname(from), target)
  if (!isInside(path) || target.startsWith('/')) return packageWords.reqOutside(target)
  if (reading.view.place(path) === null) return packageWords.reqNoFile(target)
  await readFile(path, reading)
  return null
}

/** A path in main rather than a name or an address; absolute paths are none of main's. */
function isLocal(target: string): boolean {
  if (target.includes('://') || target.startsWith('/') || target.startsWith('file:')) return false
  return /^[.~]|\/|\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/.test(target)
}

/** pip looks for it from its working directory, which stands for main. */
function takeLocal(target: string, reading: Reading): string | null {
  const path = posix.normalize(target.replace(/\[[^\]]*\]$/, ''))
  if (!isInside(path)) return packageWords.reqOutside(target)
  if (reading.view.place(path) === null) return packageWords.reqLocal(target)
  reading.archives.add(path)
  return null
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith('../')
}
