import { join } from 'node:path'
import type { DepositSite } from '../../config.ts'
import { OperationalError } from '../../errors.ts'
import type { Writers } from '../../model.ts'
import { movingSuffix } from '../../system/across.ts'
import { breather } from '../../system/breath.ts'
import { depositWords } from '../../words-deposit.ts'
import { openPlacing } from './place.ts'
import { type Entry, look, placeIn, placesOf, type Snapshot, walk } from './scan.ts'

/**
 * Moves what a snapshot saw from the deposit into the staging folder, file by file: a folder of the
 * deposit is never renamed, because a client may stand in it and would go on writing into main.
 * Returns the path that was not as the snapshot had it, or null when all is claimed; what was moved
 * so far stays in staging, for `giveBack`.
 */
export async function claimInto(
  staging: string,
  snapshot: Snapshot,
  writers: Writers,
  site: DepositSite,
): Promise<string | null> {
  const { paths } = site
  const isInPlace = placesOf(snapshot.entries, paths.deposit)
  const place = openPlacing(staging, site)
  const placed: Placed[] = []
  const breath = breather()
  for (const entry of snapshot.entries) {
    await breath()
    if (entry.kind !== 'dir') {
      if (!isInPlace(entry)) return entry.path
      if (look(paths.deposit, entry.raw)?.fingerprint !== entry.fingerprint) return entry.path
    }
    placed.push({ entry, raw: await place(entry) })
  }
  const late = await changedSince(placed, staging, writers)
  if (late === null) consume(snapshot, site)
  return late
}

/** An entry of the deposit, and where it lies now, relative to the staging folder. */
type Placed = { readonly entry: Entry; readonly raw: Buffer }

/** Removes what only told about the upload: the marker that all is there, and the manifest. */
function consume(snapshot: Snapshot, { disk, paths, config }: DepositSite): void {
  const { goMarkers, manifest } = config.deposit
  const consumed = [...(snapshot.hasGo ? goMarkers : []), ...(snapshot.manifest ? [manifest] : [])]
  // A folder of such a name was claimed like any other.
  for (const place of consumed.map((name) => join(paths.deposit, name))) {
    if (disk.kind(place) !== 'dir') disk.unlink(place)
  }
}

/**
 * The first file that was written to between the look and its move, or that somebody opened for
 * writing meanwhile: he would go on writing in the staging folder, and later in main.
 */
async function changedSince(
  placed: readonly Placed[],
  staging: string,
  writers: Writers,
): Promise<string | null> {
  const files = placed.filter(({ entry }) => entry.kind === 'file')
  const answers = await writers.ask(files.map(({ raw }) => placeIn(staging, raw)))
  const found = files.find(({ entry, raw }, index) => {
    const now = look(staging, raw)
    return answers[index] === 'busy' || now?.kind !== 'file' || now.bytes !== entry.bytes
  })
  return found?.entry.path ?? null
}

/**
 * Puts what is in the staging folder back into the deposit, so that nothing is lost and it is claimed
 * again as one. Where a newer upload has taken the place, that one counts.
 */
export async function giveBack(staging: string, site: DepositSite): Promise<void> {
  const { disk, paths, config } = site
  const kind = disk.kind(paths.deposit)
  // What is put into the place of the deposit must not lead the files elsewhere.
  if (kind !== null && kind !== 'dir') {
    throw new OperationalError(
      depositWords.depositTrouble(paths.deposit, depositWords.depositNotFolder),
      {
        code: 'ENOTDIR',
        path: paths.deposit,
      },
    )
  }
  disk.makeDir(paths.deposit)
  for await (const { path, raw, kind } of walk(staging, config.verify.maxPathBytes)) {
    // Half a copy: the whole file is still in the deposit.
    if (path.endsWith(movingSuffix)) continue
    const place = placeIn(paths.deposit, raw)
    if (disk.kind(place) !== null || !parentIsFolder(raw, site)) continue
    if (kind === 'dir') disk.makeDir(place)
    else await disk.move(placeIn(staging, raw), place)
  }
}

/** False where a newer upload has put a file in the place of the folder. */
function parentIsFolder(raw: Buffer, { disk, paths }: DepositSite): boolean {
  const end = raw.lastIndexOf('/')
  return end < 0 || disk.kind(placeIn(paths.deposit, raw.subarray(0, end))) === 'dir'
}

/** How many files, and bytes in them, a snapshot would claim. */
export function sizeOf(snapshot: Snapshot): { files: number; bytes: number } {
  const files = snapshot.entries.filter(({ kind }) => kind !== 'dir')
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}
