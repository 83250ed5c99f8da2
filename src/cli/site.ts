import { existsSync } from 'node:fs'
import { type Config, pathsOf, type Site } from '../config.ts'
import { loadConfig } from '../config-file.ts'
import { OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { words } from '../words.ts'

/**
 * The project of a directory, for verbs that ask its daemon or read its disk; nothing is made. Throws
 * an OperationalError when no daemon has ever run there.
 */
export async function siteIn(directory: string): Promise<Site> {
  const config: Config = await loadConfig(directory)
  const paths = pathsOf(directory)
  if (existsSync(paths.own)) return { paths, config, disk }
  throw new OperationalError(words.noProject(paths.project), {
    code: 'ENOPROJECT',
    path: paths.project,
    hint: words.noProjectHint,
  })
}
