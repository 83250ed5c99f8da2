import { join, relative } from 'node:path'
import { ownInMain, type Site } from '../config.ts'
import { readSettings } from '../config-file.ts'
import { isExpected, messageOf } from '../errors.ts'
import type { Release } from '../model.ts'
import { releaseWords } from '../words-release.ts'

/** What of main is not the program's: no release may bring it, change it or delete it. */
export type Reserved = {
  /** Why a release may not bring something of this path; null: it may. */
  readonly refusal: (path: string) => string | null
  /** Why it may not delete what is at this path; null: it may. */
  readonly refusalToDelete: (path: string) => string | null
}

/** Where main is a checkout, this is git's: what lies in it decides which commands git runs. */
const gitFolder = '.git'

/** Paths are relative to main. `from`: where the release comes from. */
export function reservedIn(from: Release['from'], site: Site): Reserved {
  const own = ownInMain(site.paths)
  const settings = own.find((path) => join(site.paths.main, path) === site.paths.settings)
  const isOpen = from === 'git' && pushersAreTheDaemon(site)
  return {
    refusal(path) {
      if (path === gitFolder) return releaseWords.isGits(path)
      if (!own.includes(path) || (isOpen && path === settings)) return null
      return path === settings ? releaseWords.bringsSettings(path) : releaseWords.reserved(path)
    },
    refusalToDelete(path) {
      if (path === gitFolder) return releaseWords.isGits(path)
      const isWithin = own.some((one) => one === path || one.startsWith(`${path}/`))
      return isWithin ? releaseWords.reserved(path) : null
    },
  }
}

/**
 * True when whoever decides what the program is may as well decide what the daemon does: hooks and commands of
 * the settings run as the daemon. It is so when the program runs as the daemon does, and the checkout is its own.
 */
function pushersAreTheDaemon({ config, paths, disk }: Site): boolean {
  const { user, group } = config.program
  const isOwn = disk.ownerOf(join(paths.main, '.git')) === process.getuid?.()
  return isOwn && user === '' && group === ''
}

/** What is to be said of the settings that a release brings, if it does: with wrong ones no daemon would start. */
export async function judgeSettings(
  staging: string,
  site: Site,
): Promise<{ readonly refused: string } | { readonly warning: string } | null> {
  const { main, settings } = site.paths
  const place = join(staging, relative(main, settings))
  if (!ownInMain(site.paths).includes(relative(main, settings))) return null
  if (site.disk.kind(place) === null) return null
  try {
    await readSettings((await site.disk.readText(place)) ?? '', settings)
    return { warning: releaseWords.newSettings }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { refused: releaseWords.wrongSettings(messageOf(error)) }
  }
}
