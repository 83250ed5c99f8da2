import { createHash } from 'node:crypto'
import { shown } from '../../phrases.ts'

/** What a `SHA256SUMS` lists: paths relative to the deposit, and their sums in lower case. */
export type Manifest = ReadonlyMap<string, string>

/**
 * Reads what `sha256sum` writes: a sum, two blanks (or a blank and `*`), a name; a backslash in front
 * of the sum means that `\n` and `\\` in the name are escaped. A text in return says what is wrong.
 * The line that lists the manifest itself is passed over: `sha256sum * > SHA256SUMS` makes one.
 */
export function parseManifest(text: string, ownName: string): Manifest | string {
  const sums = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue
    const found = parseLine(line)
    if (found === null) return `line ${index + 1} is not as sha256sum writes it`
    const { path, sum } = found
    if (!isInside(path)) return `line ${index + 1}: ${shown(path)} is not a path inside the deposit`
    if (path === ownName) continue
    if (sums.has(path)) return `line ${index + 1}: ${shown(path)} is listed twice`
    sums.set(path, sum)
  }
  return sums.size === 0 ? 'it lists nothing' : sums
}

/** The text of a manifest, as `sha256sum` writes it. */
export function manifestText(sums: Manifest): string {
  return [...sums]
    .map(([path, sum]) => {
      const isOdd = /[\\\n\r]/.test(path)
      return isOdd ? `\\${sum}  ${escaped(path)}\n` : `${sum}  ${path}\n`
    })
    .join('')
}

/** What is told of a release that came with this manifest, to find it again. */
export function manifestId(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function escaped(name: string): string {
  return name.replace(/[\\\n\r]/g, (letter) => {
    if (letter === '\n') return '\\n'
    return letter === '\r' ? '\\r' : '\\\\'
  })
}

function parseLine(line: string): { path: string; sum: string } | null {
  const [, mark, sum, name] = /^(\\?)([0-9a-fA-F]{64}) [ *]([^\0]+)$/.exec(line) ?? []
  if (sum === undefined || name === undefined) return null
  const path = mark === '\\' ? unescaped(name) : name
  return { path: path.replace(/^(\.\/)+/, ''), sum: sum.toLowerCase() }
}

function unescaped(name: string): string {
  return name.replace(/\\([\\nr])/g, (_, letter: string) => {
    if (letter === 'n') return '\n'
    return letter === 'r' ? '\r' : '\\'
  })
}

function isInside(path: string): boolean {
  return !path.split('/').some((part) => part === '' || part === '.' || part === '..')
}
