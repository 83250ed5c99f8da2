import { relative } from 'node:path'
import type { Paths } from '../config.ts'
import { depositTrouble } from '../config-folders.ts'
import { codeOf, messageOf, OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { type Lock, takeLock } from '../system/lock.ts'
import { words } from '../words.ts'
import { projectWords } from '../words-projects.ts'

/**
 * Makes what is missing of a project's folders; the names of those a person cares about. One of many has no logs of
 * its own.
 */
export function makeFolders(paths: Paths, isAlone: boolean): string[] {
  refuseMixture(paths)
  const { deposit, main, logs } = paths
  const shown = [...(deposit === null ? [] : [deposit]), main, ...(isAlone ? [logs] : [])]
  const missing = shown.filter((path) => disk.kind(path) === null)
  const made = missing.map((path) => relative(paths.project, path) || '.')
  makeAll([...missing, paths.own, paths.releases, paths.rejected], paths)
  return made
}

/** Makes what the lock and the records of a project, or of a parent of many, need. */
export function makeOwnFolder(paths: Paths): void {
  makeAll([paths.own], paths)
}

function makeAll(folders: readonly string[], paths: Paths): void {
  try {
    for (const folder of folders) disk.makeDir(folder)
  } catch (error) {
    throw new OperationalError(words.noFolders(paths.project, messageOf(error)), {
      code: codeOf(error),
      path: paths.project,
      hint: words.noFoldersHint,
      cause: error,
    })
  }
}

/** What the settings alone do not tell: where an absolute path leads, and links on the way. */
function refuseMixture({ project, main, deposit, settings }: Paths): void {
  const folders = {
    main: relative(project, main) || '.',
    deposit: deposit === null ? '' : disk.realPath(deposit),
  }
  const trouble = depositTrouble(folders, disk.realPath(project))
  if (trouble === null) return
  const why = `${settings}: folders.deposit: ${words.depositMisplaced[trouble]}`
  throw new OperationalError(why, { code: 'ECONFIG', path: settings })
}

/**
 * Sees to it that this is the only daemon of a project, or of a parent of many; throws an OperationalError if it is
 * not. `parent`: the folder of this daemon, where it is another.
 */
export async function lockFolder(paths: Paths, parent: string | null = null): Promise<Lock> {
  const lock = await takeLock(paths.project, paths.pid, parent)
  if (!('heldBy' in lock)) return lock
  const { pid, parent: other } = lock.heldBy
  throw new OperationalError(words.alreadyRunning(paths.project, pid), {
    code: 'ERUNNING',
    path: paths.project,
    hint: other === null ? words.alreadyRunningHint(pid) : projectWords.runByParent(other),
  })
}
