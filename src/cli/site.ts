import { existsSync } from 'node:fs'
import { type Config, defaults, pathsOf, type Site } from '../config.ts'
import { loadConfig } from '../config-file.ts'
import { codeOf, messageOf, OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'

/**
 * The project of a directory, for verbs that ask its daemon or read its disk; nothing is made. Throws
 * an OperationalError when no daemon has ever run there.
 */
export async function siteIn(directory: string): Promise<Site> {
  const config = await settingsIn(directory)
  const paths = pathsOf(directory, config.folders)
  if (existsSync(paths.own)) return { paths, config, disk }
  throw new OperationalError(verbWords.noProject(paths.project), {
    code: 'ENOPROJECT',
    path: paths.project,
    hint: verbWords.noProjectHint,
  })
}

/** A mistake in the settings must not keep anybody from asking, or from stopping the program. */
async function settingsIn(directory: string): Promise<Config> {
  try {
    return await loadConfig(directory)
  } catch (error) {
    if (codeOf(error) !== 'ECONFIG') throw error
    console.error(words.failure(messageOf(error), verbWords.brokenSettings))
    return structuredClone(defaults)
  }
}
