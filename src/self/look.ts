import { selfWords } from '../words-self.ts'
import type { Means } from './around.ts'
import type { Candidate, Trouble } from './candidate.ts'
import { newestInGit } from './git-remote.ts'
import { newestPackage } from './packages.ts'
import { readFailed } from './records.ts'
import { compareVersions, isVersion } from './version.ts'

/** What a look for a newer version came to. */
export type Look =
  | { readonly is: 'current'; readonly version: string }
  | { readonly is: 'found'; readonly candidate: Candidate }
  | ({ readonly is: 'waits' | 'failed'; readonly version: string | null } & Trouble)

/**
 * Asks the place of the settings for its newest version. `isForced`: a lower version will do, and one that did not
 * pass before.
 */
export async function lookForVersion(means: Means, isForced = false): Promise<Look> {
  const { from } = means.site.config.selfUpdate
  if (from === '') {
    return { is: 'waits', version: null, why: selfWords.noSource, hint: selfWords.noSourceHint }
  }
  const newest = from.startsWith('git+') ? await newestInGit(means) : await newestPackage(means)
  if (newest.is !== 'newest') return { ...newest, version: null }
  return judge(newest.candidate, means, isForced)
}

async function judge(candidate: Candidate, means: Means, isForced: boolean): Promise<Look> {
  const { version, node, of } = candidate
  const order = compareVersions(version, means.version)
  if (order === 0) return { is: 'current', version }
  const waits = (why: string, hint: string): Look => ({ is: 'waits', version, why, hint })
  if (node !== null && isTooNew(node)) {
    return waits(selfWords.needsNode(version, node), selfWords.needsNodeHint)
  }
  if (isForced) return { is: 'found', candidate }
  if (order < 0) return waits(selfWords.isLower(version, of), selfWords.forceHint)
  const { install, site } = means
  const failed = install === null ? [] : await readFailed(install, site.disk)
  const last = failed.findLast((one) => one.version === version)
  return last === undefined
    ? { is: 'found', candidate }
    : waits(selfWords.hasFailed(version, last.why), selfWords.forceHint)
}

/** A look, for people. */
export function lookText(look: Look): string {
  switch (look.is) {
    case 'current':
      return selfWords.current(look.version)
    case 'found':
      return selfWords.found(look.candidate.version, look.candidate.of)
    case 'waits':
    case 'failed':
      return selfWords.trouble(look)
  }
}

/** package.json says `>=20.19.0`. */
function isTooNew(node: string): boolean {
  const least = node.replace(/^>=\s*/, '')
  return isVersion(least) && compareVersions(process.versions.node, least) < 0
}
