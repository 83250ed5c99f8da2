import { relative } from 'node:path'
import type { Paths } from '../config.ts'
import { depositTrouble } from '../config-folders.ts'
import { codeOf, messageOf, OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { type Lock, takeLock } from '../system/lock.ts'
import { words } from '../words.ts'

/** Makes what is missing of a project's folders; the names of those a person cares about. */
export function makeFolders(paths: Paths): string[] {
  refuseMixture(paths)
  const { deposit, main, logs } = paths
  const shown = [...(deposit === null ? [] : [deposit]), main, logs]
  const missing = shown.filter((path) => disk.kind(path) === null)
  const made = missing.map((path) => relative(paths.project, path) || '.')
  try {
    for (const path of missing) disk.makeDir(path)
    for (const path of [paths.own, paths.releases, paths.rejected]) disk.makeDir(path)
  } catch (error) {
    throw new OperationalError(words.noFolders(paths.project, messageOf(error)), {
      code: codeOf(error),
      path: paths.project,
      hint: words.noFoldersHint,
      cause: error,
    })
  }
  return made
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

/** Sees to it that this is the only daemon of the project; throws an OperationalError if it is not. */
export async function lockProject(paths: Paths): Promise<Lock> {
  const lock = await takeLock(paths.project, paths.pid)
  if (!('heldBy' in lock)) return lock
  throw new OperationalError(words.alreadyRunning(paths.project, lock.heldBy), {
    code: 'ERUNNING',
    path: paths.project,
    hint: words.alreadyRunningHint(lock.heldBy),
  })
}
