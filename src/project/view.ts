import { join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import type { Plan } from '../model.ts'
import type { View } from '../python/requirements.ts'
import type { Disk } from '../system/disk.ts'
import { isDroppedBy } from '../update/apply.ts'
import { packageWords } from '../words-packages.ts'
import type { Staged } from './check.ts'

/** What is larger is no list of packages: to read it would take the memory of a small machine. */
const maxTextBytes = 2_000_000

/** Main as it is. */
export function viewOf({ disk, paths }: Site): View {
  const place = (path: string) => {
    const there = join(paths.main, path)
    return disk.kind(there) === 'file' ? there : null
  }
  return {
    place,
    text: async (path) => textOf(place(path), disk),
    names: (folder) => disk.list(join(paths.main, folder)),
  }
}

/** Main as it will be when the plan has been carried out. */
export function viewWith(
  plan: Plan,
  { folder: staged, only }: Pick<Staged, 'folder' | 'only'>,
  site: Site,
): View {
  const { disk } = site
  const main = viewOf(site)
  const isGone = isDroppedBy(plan)
  const listed = only === null ? null : new Set(only)
  const isNew = (path: string) => listed === null || listed.has(path)
  const place = (path: string) => {
    if (isNew(path) && disk.kind(join(staged, path)) === 'file') return join(staged, path)
    return isGone(path) ? null : main.place(path)
  }
  return {
    place,
    text: async (path) => textOf(place(path), disk),
    names(folder) {
      const added = disk.list(join(staged, folder)).filter((name) => isNew(join(folder, name)))
      const kept = main.names(folder).filter((name) => !isGone(join(folder, name)))
      return [...new Set([...added, ...kept])].sort()
    },
  }
}

async function textOf(place: string | null, disk: Disk): Promise<string | null> {
  if (place === null) return null
  if (disk.sizeOf(place) <= maxTextBytes) return disk.readText(place)
  const why = packageWords.textTooLarge(place, maxTextBytes)
  throw new OperationalError(why, { code: 'EFBIG', path: place })
}
