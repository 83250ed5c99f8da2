import { withoutPassword } from '../phrases.ts'
import { packageWords } from '../words-packages.ts'

/**
 * One line of a gupfile: `package,version` or `package,version,source`, the format of SENERGY's
 * client-connector-updater.
 */
export type GupLine = {
  /** Counted from 1. */
  readonly line: number
  /** As pip compares names: `Paho_MQTT` is `paho-mqtt`. */
  readonly name: string
  /** An optional part of the package, such as `[crypto]`; `''` for none. */
  readonly extras: string
  /** Without a source a version, with no `v` before it; else a tag, branch or commit as it is written. */
  readonly version: string
  /** The git repository to install from, such as `git+https://host/path.git`; null for the index. */
  readonly source: string | null
}

/** What is wrong with a line of a file; line 0: with the whole file. `path` is relative to main. */
export type Mistake = { readonly path: string; readonly line: number; readonly why: string }

/** What a gupfile says, or all that is wrong with it: then nothing of it counts. */
export type Gupfile = { readonly lines: readonly GupLine[] } | { readonly mistakes: Mistake[] }

/** The gupfile in main. */
export const gupfileName = 'gupfile'

/** What is larger is no gupfile, but something else of that name. */
const maxLines = 2_000
const maxLineLength = 1_000

/**
 * Reads the text of a gupfile. Nothing gets through that pip or git could take for anything but a
 * name, a version or an address. `schemes` are the kinds of source that are allowed (`git+https`).
 */
export function parseGupfile(text: string, schemes: readonly string[]): Gupfile {
  const rows = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  if (rows.length > maxLines) return { mistakes: [mistake(0, packageWords.gupTooLong(maxLines))] }
  const lines = new Map<string, GupLine>()
  const mistakes: Mistake[] = []
  for (const [index, row] of rows.entries()) {
    const trimmed = row.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const found = parseLine(trimmed, index + 1, schemes)
    if ('why' in found) {
      mistakes.push(found)
      continue
    }
    const known = lines.get(found.name)
    if (known !== undefined && !isSame(known, found)) {
      mistakes.push(mistake(found.line, packageWords.gupTwice(known.name, known.line)))
    }
    lines.set(found.name, known ?? found)
  }
  return mistakes.length > 0 ? { mistakes } : { lines: [...lines.values()] }
}

function mistake(line: number, why: string): Mistake {
  return { path: gupfileName, line, why }
}

function parseLine(text: string, line: number, schemes: readonly string[]): GupLine | Mistake {
  if (text.length > maxLineLength) return mistake(line, packageWords.gupLineTooLong)
  const [first = '', version = '', source = '', ...more] = text.split(',').map((one) => one.trim())
  if (version === '' || more.length > 0) return mistake(line, packageWords.gupForm)
  const named = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._-]+\])?$/.exec(first)
  if (named === null) return mistake(line, packageWords.gupName(quoted(first)))
  const [, name = '', extras = ''] = named
  const about = { line, name: normalName(name), extras: extras.toLowerCase() }
  if (source === '') {
    if (!versionForm.test(version)) return mistake(line, packageWords.gupVersion(quoted(version)))
    return { ...about, version: version.toLowerCase().replace(/^v/, ''), source: null }
  }
  if (!isReference(version)) return mistake(line, packageWords.gupReference(quoted(version)))
  if (!schemes.some((scheme) => source.startsWith(`${scheme}://`))) {
    return mistake(line, packageWords.gupScheme(quoted(source), schemes))
  }
  if (/^git\+ssh:\/\/(?:[^@/]*@)?[^@/:]*:(?!\d+\/)/.test(source)) {
    return mistake(line, packageWords.gupColon(quoted(source)))
  }
  if (!isAddress(source)) return mistake(line, packageWords.gupAddress(quoted(source)))
  return { ...about, version, source }
}

/** The name of a package as pip compares it (PEP 503). */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

/** A version as PEP 440 has it (its appendix B), and a `v` before it. */
const versionForm = new RegExp(
  [
    /^v?(?:\d+!)?\d+(?:\.\d+)*/,
    /(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)(?:[-_.]?\d+)?)?/,
    /(?:-\d+|[-_.]?(?:post|rev|r)(?:[-_.]?\d+)?)?/,
    /(?:[-_.]?dev(?:[-_.]?\d+)?)?/,
    /(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/,
  ]
    .map(({ source }) => source)
    .join(''),
  'i',
)

/** A part of what git allows (git-check-ref-format(1)): nothing that means more than a name. */
function isReference(text: string): boolean {
  const isPlain = /^[0-9A-Za-z][0-9A-Za-z._/+-]{0,127}$/.test(text)
  return isPlain && !/\.\.|\/\/|\/\.|\.lock(\/|$)|[/.]$/.test(text)
}

/**
 * True for an address in which nothing means more: no blank, no `#`, no `$` (pip reads `${NAME}` as a
 * variable), no control character in disguise. A host or user that begins with `-` would be an option
 * of ssh.
 */
function isAddress(source: string): boolean {
  const [, user = '', host = '', path = ''] =
    /^git\+[a-z]+:\/\/((?:[^@/]+@)?)([^@/]*)(\/[^@]*)$/.exec(source) ?? []
  const isPlain = /^[A-Za-z0-9._~:/@+=%-]+$/.test(source) && !/%([01]|7f)/i.test(source)
  const isLocal = source.startsWith('git+file:')
  const hasHost = isLocal ? host === '' && user === '' : /^[A-Za-z0-9]/.test(host)
  return isPlain && hasHost && path.length > 1 && !user.startsWith('-')
}

function isSame(one: GupLine, other: GupLine): boolean {
  return one.version === other.version && one.extras === other.extras && one.source === other.source
}

/** As people may see it: a password in an address is not for a log. */
function quoted(text: string): string {
  return JSON.stringify(withoutPassword(text).slice(0, 200))
}
