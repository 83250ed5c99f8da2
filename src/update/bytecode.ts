import { basename, dirname, join } from 'node:path'
import type { Site } from '../config.ts'
import { isExpected } from '../errors.ts'
import type { Disk, Kind } from '../system/disk.ts'

const folderName = '__pycache__'

/**
 * Moves the cached bytecode of the Python files that are placed in main or taken out of it into the folder
 * `stale`. Python trusts it when size and second of change agree with the source, so a replaced file could go
 * on running as the old one. It is derived from the source and needs no journal: to remove it takes ten times as
 * long as to move it, and the program is down meanwhile.
 */
export function dropBytecode(files: readonly string[], stale: string, site: Site): void {
  const { disk, paths } = site
  const stems = new Map<string, Set<string>>()
  for (const file of files.filter((name) => name.endsWith('.py'))) {
    const folder = dirname(file)
    const known = stems.get(folder) ?? new Set()
    stems.set(folder, known.add(basename(file, '.py')))
  }
  const caches = [...stems].flatMap(([folder, names]) => {
    const cache = join(paths.main, folder, folderName)
    const found = namesIn(cache, disk)
    return found
      .filter((name) => isBytecode(name) && names.has(stemOf(name)))
      .map((name) => `${cache}/${name}`)
  })
  if (caches.length > 0) disk.makeDir(stale)
  for (const [number, path] of caches.entries()) putAway(path, `${stale}/${number}`, disk)
}

/** Gone it must be, wherever to. */
function putAway(path: string, place: string, disk: Disk): void {
  try {
    disk.rename(path, place)
  } catch (error) {
    if (!isExpected(error)) throw error
    disk.unlink(path)
  }
}

/**
 * Moves compiled files from `folder`, where they lie as they will in main, to their places beside
 * the sources. Where it cannot be done Python will compile by itself.
 */
export function placeBytecode(paths: readonly string[], folder: string, site: Site): void {
  /** What is in the place of each cache folder, looked at once: the program is down meanwhile. */
  const caches = new Map<string, Kind>()
  for (const path of paths) {
    const cache = dirname(path)
    const kind = caches.get(cache) ?? cacheAt(join(site.paths.main, cache), site)
    caches.set(cache, kind)
    // Not through a link: the cache of a main that somebody arranged by hand is his.
    if (kind === 'dir') site.disk.rename(`${folder}/${path}`, `${site.paths.main}/${path}`)
  }
}

/** What is at the path of a cache folder, which is made where there is nothing. */
function cacheAt(path: string, { disk }: Site): Kind {
  const kind = disk.kind(path)
  if (kind !== null) return kind
  disk.makeDir(path)
  return 'dir'
}

/** Removes the bytecode folder of a folder, if there is nothing but bytecode in it. */
export function dropBytecodeFolder(folder: string, { disk }: Site): void {
  const cache = join(folder, folderName)
  const entries = namesIn(cache, disk)
  if (!entries.every(isBytecode)) return
  for (const entry of entries) disk.unlink(join(cache, entry))
  disk.removeEmptyDir(cache)
}

/** What is in a bytecode folder. Not through a link: what it leads to is not ours. */
function namesIn(cache: string, disk: Disk): string[] {
  return disk.kind(cache) === 'dir' ? disk.list(cache) : []
}

/** `name.cpython-311.pyc`, `name.cpython-311.opt-1.pyc`, and the temporary files of both. */
function isBytecode(name: string): boolean {
  return /\.pyc(\.\d+)?$/.test(name)
}

function stemOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}
