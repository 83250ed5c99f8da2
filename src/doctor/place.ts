import { accessSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../errors.ts'
import { command } from '../system/command.ts'
import { realPlace } from './mounts.ts'
import type { User } from './user.ts'

/** A file or folder, and who may do what with it. */
export type Place = {
  /** Absolute. */
  readonly path: string
  readonly uid: number
  readonly gid: number
  /** The permission bits: `0o750`. */
  readonly mode: number
}

/** Reading 4, writing 2, and passing through 1, added up, as in chmod(1). */
export type Bits = number

/** What a user must be able to do with a place, and with the folders above it: pass through them. */
export type Way = { readonly above: readonly Place[]; readonly end: Place; readonly needs: Bits }

/** A place that says no to a user. */
export type Closed = { readonly place: Place; readonly needs: Bits }

/**
 * The way to a path, its links followed. Where there is nothing yet, the way to the nearest folder
 * above, in which it must be possible to make something. Null when this user cannot see it.
 */
function wayTo(path: string, needs: Bits): Way | null {
  try {
    const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined
    const real = realPlace(path)
    const end = placeOf(real, statSync(real))
    return { above: foldersAbove(real), end, needs: isThere ? needs : 3 }
  } catch (error) {
    if (['EACCES', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) return null
    throw error
  }
}

/** The ways to several paths; without those that this user cannot see. */
export function waysTo(paths: readonly string[], needs: Bits): Way[] {
  return paths.map((path) => wayTo(path, needs)).filter((way) => way !== null)
}

/** A path with what stat(2) says of it. */
export function placeOf(path: string, { uid, gid, mode }: Stats): Place {
  return { path, uid, gid, mode: mode & 0o7777 }
}

/** Where the way ends for a user; null when it leads all the way. */
export function closedOn({ above, end, needs }: Way, user: User): Closed | null {
  const place = above.find((folder) => !isOpen(folder, user, 1))
  if (place !== undefined) return { place, needs: 1 }
  return isOpen(end, user, needs) ? null : { place: end, needs }
}

/** What the permission bits let a user do. The first that fits counts: owner, group, others. */
export function isOpen({ uid, gid, mode }: Place, user: User, needs: Bits): boolean {
  if (user.uid === 0) return true
  const shift = uid === user.uid ? 6 : user.groups.includes(gid) ? 3 : 0
  return ((mode >> shift) & needs) === needs
}

/**
 * What the kernel itself says, which knows of access lists too. Null when it cannot be asked: only
 * root can ask for somebody else.
 */
export async function kernelOpens(
  { place, needs }: Closed,
  user: User,
  self: User,
): Promise<boolean | null> {
  if (user.uid === self.uid) return mayAccess(place.path, needs)
  if (self.uid !== 0) return null
  const tests = [4, 2, 1].filter((bit) => needs & bit)
  const letters = tests.map((bit) => ({ 4: '-r', 2: '-w', 1: '-x' })[bit] ?? '')
  const groups = user.groups.length === 0 ? ['--clear-groups'] : ['--groups', user.groups.join(',')]
  const { code, exitCode } = await command('setpriv', [
    ...['--reuid', `${user.uid}`, '--regid', `${user.groups[0] ?? user.uid}`, ...groups],
    ...[
      'test',
      ...letters.flatMap((letter, index) => [...(index > 0 ? ['-a'] : []), letter, place.path]),
    ],
  ])
  return code === 'ENOENT' ? null : exitCode === 0
}

/** What the kernel lets this process do: access(2). */
export function mayAccess(path: string, needs: Bits): boolean {
  try {
    // The numbers of access(2) are those of chmod(1).
    accessSync(path, needs)
    return true
  } catch {
    return false
  }
}

/** The text of a file; empty where there is none, or this user may not read it. */
export function readIfAllowed(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function foldersAbove(path: string): Place[] {
  const folder = dirname(path)
  if (folder === path) return []
  return [...foldersAbove(folder), placeOf(folder, statSync(folder))]
}
