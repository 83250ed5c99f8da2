import { join } from 'node:path'
import type { Site } from '../config.ts'
import type { InUse } from './packages.ts'

/**
 * Has `.supervisor/environment` lead to the environment in use, at once: it leads to the one before or to this one.
 * Whoever runs the program runs `.supervisor/environment/bin/python`, so there is one without packages too.
 */
export function linkEnvironment({ folder, python }: InUse, { disk, paths }: Site): void {
  const bare = `${paths.environment}.bare`
  if (folder === null) {
    disk.makeDir(join(bare, 'bin'))
    // It may be another user who runs the program.
    for (const open of [bare, join(bare, 'bin')]) disk.letThrough(open)
    disk.pointTo(join(bare, 'bin', 'python'), python.path)
  }
  disk.pointTo(paths.environment, folder ?? bare)
}
