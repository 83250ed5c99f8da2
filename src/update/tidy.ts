import { join } from 'node:path'
import type { Site } from '../config.ts'
import type { Ended, ReleaseId } from '../model.ts'
import { releaseWords } from '../words-release.ts'
import { addToHistory, type HistoryEntry, readHistory } from './history.ts'
import { keepJournal } from './journals.ts'
import { byAge, dropRelease, filesOf, isReleaseId } from './store.ts'

/**
 * Ends a release for good: its line in the history, its files kept with the reason if it was
 * refused, its journal kept if it was committed, and its folder gone. A restart may find any part of this done and does it again.
 */
export async function tidy(ended: Ended, site: Site): Promise<void> {
  const { release, outcome } = ended
  if (outcome.result !== 'committed') await keepRefused(ended, outcome.why, site)
  await addToHistory(ended, site)
  if (outcome.result === 'committed') await keepJournal(release, site)
  else await dropRelease(release.id, site)
}

/** Where the files of a refused release are kept, with a REASON.txt beside them. */
export function keptIn(id: ReleaseId, site: Site): string {
  return join(site.paths.rejected, id)
}

async function keepRefused(ended: Ended, why: string, site: Site): Promise<void> {
  const { disk, paths } = site
  const kept = keptIn(ended.release.id, site)
  const files = filesOf(ended.release.id, paths)
  disk.makeDir(kept)
  await disk.replaceText(join(kept, 'REASON.txt'), releaseWords.reasonFile(ended, why))
  for (const [from, to] of [
    [files.staging, join(kept, 'files')],
    [files.found, join(kept, 'found')],
  ] as const) {
    if (disk.kind(from) !== null && disk.kind(to) === null) disk.rename(from, to)
  }
  for (const old of surplus(disk.list(paths.rejected), await readHistory(site), site)) {
    await disk.removeTree(join(paths.rejected, old))
  }
}

/** The oldest of the kept releases that are too many, by number or by size. */
function surplus(names: string[], history: readonly HistoryEntry[], { config }: Site): ReleaseId[] {
  let bytes = 0
  return names
    .filter(isReleaseId)
    .sort(byAge)
    .toReversed()
    .filter((id, index) => {
      bytes += history.find((entry) => entry.id === id)?.bytes ?? 0
      const tooMany = index >= config.update.keepRejected
      return tooMany || (index > 0 && bytes > config.update.maxRejectedBytes)
    })
}
