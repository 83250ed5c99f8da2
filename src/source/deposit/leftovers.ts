import { dirname, join } from 'node:path'
import type { DepositSite } from '../../config.ts'
import { isExpected } from '../../errors.ts'
import type { Clock } from '../../model.ts'
import { canSeeSessions, uploadSessions } from '../../system/sessions.ts'
import { type Entry, look, placeIn, placesOf, type Snapshot } from './scan.ts'

/** The folders that claims have left empty in the deposit. */
export type Emptied = {
  readonly note: (folders: readonly Entry[]) => void
  /**
   * The entries without those folders, as long as nothing new is in them: they would be claimed again
   * with the next upload, and a refused one would be refused for them once more.
   */
  readonly without: (entries: readonly Entry[]) => readonly Entry[]
  /**
   * Removes them, if it is time. `entries` is what lies in a deposit without content: at the first
   * time these folders are what the session before left.
   */
  readonly sweep: (entries: readonly Entry[]) => void
}

/**
 * A folder of the deposit is not removed while a client may stand in it: its next upload would fail.
 * It goes when no upload connection is left or, where those cannot be seen, after a while; and only
 * if it is still the same one, and empty.
 */
export function openEmptied({ paths, config, disk }: DepositSite, clock: Clock): Emptied {
  let folders: readonly Entry[] = []
  let since: number | null = null

  function note(more: readonly Entry[]): void {
    folders = [...folders, ...more]
    since = clock.now()
  }

  return {
    note,
    without(entries) {
      const left = new Set(folders.map(({ path, fingerprint }) => `${path}\0${fingerprint}`))
      if (left.size === 0) return entries
      const isLeft = (entry: Entry) => left.has(`${entry.path}\0${entry.fingerprint}`)
      const inUse = new Set<string>()
      for (const entry of entries) {
        if (isLeft(entry)) continue
        for (let path = dirname(entry.path); path !== '.' && !inUse.has(path); path = dirname(path))
          inUse.add(path)
      }
      return entries.filter((entry) => !isLeft(entry) || inUse.has(entry.path))
    },
    sweep(entries) {
      if (since === null) note(entries.filter(({ kind }) => kind === 'dir'))
      if (folders.length === 0 || since === null) return
      const isOld = clock.now() - since >= config.deposit.emptyFolderMs
      if (canSeeSessions() ? uploadSessions().length > 0 : !isOld) return
      for (const { raw, fingerprint } of folders.toReversed()) {
        if (look(paths.deposit, raw)?.fingerprint !== fingerprint) continue
        disk.removeEmptyDir(placeIn(paths.deposit, raw))
      }
      folders = []
    },
  }
}

/**
 * Removes the files that are never deployed; their folders are for `Emptied`. What cannot be removed must
 * not hold up the rest: it is in the answer.
 */
export function removeJunk(
  junk: readonly Entry[],
  { entries }: Snapshot,
  { paths, disk }: DepositSite,
): readonly Entry[] {
  const isInPlace = placesOf([...entries, ...junk], paths.deposit)
  const files = junk.filter(({ kind }) => kind !== 'dir')
  return files.filter((entry) => {
    try {
      if (isInPlace(entry)) disk.unlink(placeIn(paths.deposit, entry.raw))
      return false
    } catch (error) {
      if (!isExpected(error)) throw error
      return true
    }
  })
}

/**
 * Removes a marker that says "all is there" from a deposit without content, once it is old: it came too
 * late, and would speak for the next upload from its first file on. Not at once, for a client may still
 * set its time.
 */
export function removeLateMarkers({ paths, config, disk }: DepositSite, clock: Clock): void {
  const { goMarkers, emptyFolderMs } = config.deposit
  for (const place of goMarkers.map((name) => join(paths.deposit, name))) {
    if (disk.kind(place) !== 'file') continue
    const age = clock.wall().getTime() - (disk.changedAt(place) ?? Number.POSITIVE_INFINITY)
    if (age >= emptyFolderMs) disk.unlink(place)
  }
}
