import type { Paths } from '../config.ts'
import { codeOf, messageOf, OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { type Lock, takeLock } from '../system/lock.ts'
import { words } from '../words.ts'

/** Makes what is missing of a project's folders; the names of those a person cares about. */
export function makeFolders(paths: Paths): string[] {
  const shown = ['deposit', 'main', 'logs'] as const
  const made = shown.filter((name) => disk.kind(paths[name]) === null)
  try {
    for (const name of made) disk.makeDir(paths[name])
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
