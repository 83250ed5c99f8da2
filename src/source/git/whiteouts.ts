import { basename, dirname, join } from 'node:path'
import { whiteoutPrefix } from '../../config.ts'
import type { Kind } from '../../system/disk.ts'
import type { Change } from './changes.ts'

/** What lies in main; paths are relative to it. */
export type Tree = {
  readonly kind: (path: string) => Kind | null
  readonly list: (folder: string) => readonly string[]
}

/** Python's own folder: it goes with what it was made from. */
const derived = '__pycache__'

/** What a commit takes out of main. */
export type Leaving = {
  /** The files and folders that go, each with all that is in it; none lies in another. */
  readonly paths: readonly string[]
  /** True for a folder of which nothing would be left but bytecode. */
  readonly isEmptied: (folder: string) => boolean
}

/**
 * What goes with the files that a commit deletes: as git does it, a folder goes with the last of its files. What
 * git does not know of keeps it.
 */
export function leaving(changes: readonly Change[], main: Tree): Leaving {
  const gone = new Set(changes.filter(({ isGone }) => isGone).map(({ path }) => path))
  const losing = new Set([...gone].flatMap(foldersAbove))
  const gaining = new Set(
    changes.filter(({ isGone }) => !isGone).flatMap(({ path }) => foldersAbove(path)),
  )
  const known = new Map<string, boolean>()

  function isEmptied(folder: string): boolean {
    const answer = known.get(folder) ?? look(folder)
    known.set(folder, answer)
    return answer
  }

  function look(folder: string): boolean {
    if (!losing.has(folder) || gaining.has(folder) || main.kind(folder) !== 'dir') return false
    return main.list(folder).every((name) => {
      const path = join(folder, name)
      if (main.kind(path) === 'dir') return name === derived || isEmptied(path)
      return gone.has(path)
    })
  }

  function highest(path: string): string {
    const folder = dirname(path)
    return folder !== '.' && isEmptied(folder) ? highest(folder) : path
  }

  const paths = new Set([...gone].filter((path) => main.kind(path) !== null).map(highest))
  return { paths: [...paths].sort(), isEmptied }
}

/** The folders that a path lies in, the nearest first. */
export function foldersAbove(path: string): string[] {
  const folder = dirname(path)
  return folder === '.' ? [] : [folder, ...foldersAbove(folder)]
}

/** The whiteout that takes a path out of main, where it lies in a release. */
export function whiteoutFor(path: string): string {
  return join(dirname(path), `${whiteoutPrefix}${basename(path)}`)
}
