import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Site } from '../config.ts'
import { codeOf } from '../errors.ts'
import type { Release, ReleaseId } from '../model.ts'
import { dropFolder } from '../system/gone.ts'
import { filesIn } from './apply.ts'
import { type HistoryEntry, readHistory } from './history.ts'
import { byAge, filesBelowDir, filesOf, isReleaseId, readPlanIn, storeStageIn } from './store.ts'

/**
 * Keeps the journal of a committed release in `.supervisor/journals/ID/`: what was `releases/ID/` while
 * it was on trial, less what a roll-back does not need. The oldest go when they are too many or too
 * large. May be called again after a power cut.
 */
export async function keepJournal(release: Release, site: Site): Promise<void> {
  const { disk, paths } = site
  const { dir, packed, unpacked, bytecode, stale } = filesOf(release.id, paths)
  if (disk.kind(dir) !== null) {
    for (const part of [packed, unpacked, bytecode, stale]) await disk.removeTree(part)
    disk.makeDir(paths.journals)
    disk.rename(dir, journalOf(release.id, site))
  }
  for (const id of await surplus(site)) await dropFolder(journalOf(id, site), site.disk)
}

/** The releases that can be rolled back, newest first: main holds them, and their journals are kept. */
export async function journaled(site: Site): Promise<Release[]> {
  const kept = new Set(keptIds(site))
  const held = (await readHistory(site)).filter(({ result }) => result === 'committed').toReversed()
  const gap = held.findIndex(({ id }) => !kept.has(id))
  return (gap < 0 ? held : held.slice(0, gap)).map(releaseOf)
}

/** True when main would have no program without this release: it brought the first one. */
export async function broughtTheProgram({ id }: Release, site: Site): Promise<boolean> {
  const files = filesBelowDir(journalOf(id, site))
  const { entry, afterUpdate } = site.config.program
  if (afterUpdate !== 'restart') return false
  if (site.disk.kind(join(files.old, entry)) !== null) return false
  return filesIn(await readPlanIn(files, site)).includes(entry)
}

/**
 * Makes a release of a journal again, durably: it is being undone, and a restart goes on with that.
 * May be called again when it has failed.
 */
export async function reviveJournal(release: Release, why: string, site: Site): Promise<void> {
  const { disk, paths } = site
  const journal = journalOf(release.id, site)
  if (disk.kind(journal) !== null) {
    const undoing = { stage: 'undoing', release, why, downtimeMs: 0 } as const
    await storeStageIn(filesBelowDir(journal), undoing, site)
    disk.rename(journal, filesOf(release.id, paths).dir)
  }
  await disk.syncTree(paths.releases)
}

/** Drops the oldest journal, to make room for what matters more. Null when there is none. */
export async function dropOldestJournal(site: Site): Promise<ReleaseId | null> {
  const [oldest = null] = keptIds(site)
  if (oldest !== null) await dropFolder(journalOf(oldest, site), site.disk)
  return oldest
}

function journalOf(id: ReleaseId, { paths }: Site): string {
  return join(paths.journals, id)
}

/** Oldest first. */
function keptIds({ disk, paths }: Site): ReleaseId[] {
  return disk.list(paths.journals).filter(isReleaseId).sort(byAge)
}

/** The oldest journals that are too many, by number or by size. */
async function surplus(site: Site): Promise<ReleaseId[]> {
  const { keepJournals, maxJournalBytes } = site.config.update
  const gone: ReleaseId[] = []
  let bytes = 0
  for (const [index, id] of keptIds(site).toReversed().entries()) {
    const isOneTooMany = index >= keepJournals
    if (!isOneTooMany) bytes += await bytesIn(journalOf(id, site))
    if (isOneTooMany || bytes > maxJournalBytes) gone.push(id)
  }
  return gone
}

/** What the files below a folder come to. */
async function bytesIn(dir: string): Promise<number> {
  let bytes = 0
  try {
    for await (const entry of await opendir(dir, { recursive: true })) {
      if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  return bytes
}

function releaseOf(entry: HistoryEntry): Release {
  const { id, at, files, bytes } = entry
  if (entry.from === 'git') return { id, at, files, bytes, from: 'git', commit: entry.commit }
  const { manifest } = entry
  return { id, at, files, bytes, from: 'deposit', ...(manifest === undefined ? {} : { manifest }) }
}
