import { readFileSync, realpathSync } from 'node:fs'
import { codeOf } from '../errors.ts'
import { isWithin } from '../system/within.ts'

/** One line of /proc/self/mountinfo: proc(5). */
export type Mount = {
  /** `major:minor`, as in /sys/dev/block. */
  readonly device: string
  readonly at: string
  readonly kind: string
  readonly source: string
  /** Those of the mount, and those of the file system. */
  readonly options: readonly string[]
}

/** All that is mounted, in the order of mounting. */
export function readMounts(): Mount[] {
  return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
}

/** Reads the lines of mountinfo. */
export function parseMounts(text: string): Mount[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ')
      const [, , device = '', , at = '', options = ''] = left.split(' ')
      const [kind = '', source = '', superOptions = ''] = right.split(' ')
      const all = [...options.split(','), ...superOptions.split(',')]
      return { device, at: unescaped(at), kind, source: unescaped(source), options: all }
    })
}

/** The mount that an absolute path without links lies on. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(({ at }) => isWithin(path, at))
  const longest = Math.max(...above.map(({ at }) => at.length))
  // Of several on the same place only the last is seen.
  return above.findLast(({ at }) => at.length === longest)
}

/** Where a path really leads; of its nearest existing parent if it is not there yet. */
export function realPlace(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === '/') throw error
    return realPlace(path.slice(0, path.lastIndexOf('/')) || '/')
  }
}

/** A space is `\040` there, and so on. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
