import type { Running, Tree, Upload } from './peer.ts'
import type { Report, Reports } from './reports.ts'

/** What one swap of files cost. Times in milliseconds. */
export type Swap = {
  /** No start that had all its imports was running, in sum: from a last statement to the next ready. */
  readonly downMs: number
  /** The last of these gaps alone: the restart that brought the new version. */
  readonly lastGapMs: number
  /** From the last byte of the upload to the start of the new version that stays, with all imports. */
  readonly afterUploadMs: number
}

/** How a swap went: `lost` is one whose files were there, but the program was not restarted with them. */
export type Swapped = {
  /** Starts of the program that it caused and that came to their first statement. */
  readonly starts: number
  /** Those that saw modules of different versions, or a cut off one, or failed to import one. */
  readonly mixed: number
} & ({ readonly is: 'done'; readonly swap: Swap } | { readonly is: 'lost' })

/** How long a peer may take until it runs what was uploaded. */
const limitMs = 30_000

/** When nobody has reported anything for this long, the swap is over: some restart several times. */
const quietMs = 400

/**
 * Brings `files`, all of them of `version`, to a running peer, and watches until its program runs with
 * them and nothing happens any more.
 */
export async function swapIn(
  version: number,
  files: Tree,
  upload: Upload,
  running: Running,
  reports: Reports,
  withinMs = limitMs,
): Promise<Swapped> {
  await running.rest()
  const before = reports.all().length
  const uploadedAt = await running.swap(files, upload)
  const isThere = (all: readonly Report[]) => {
    const last = all.slice(before).findLast(({ what }) => what !== 'start')
    return last !== undefined && isWhole(last, version)
  }
  await reports.until(isThere, withinMs)
  await reports.quiet(quietMs)
  const caused = reports.all().slice(before)
  // It may have been restarted once more in the quiet time.
  if (!isThere(caused.length === 0 ? [] : reports.all())) await reports.until(isThere, withinMs)
  return judge(reports.all().slice(before), version, uploadedAt)
}

/** What the reports since the beginning of a swap tell of it. Pure. */
export function judge(caused: readonly Report[], version: number, uploadedAt: number): Swapped {
  const starts = caused.filter(({ what }) => what === 'start').length
  const mixed = new Set(caused.filter(isMixed).map(({ pid }) => pid)).size
  const first = caused.find((report) => isWhole(report, version))
  const gaps = gapsIn(caused)
  const last = caused.findLast(({ what }) => what !== 'start')
  if (first === undefined || last === undefined || !isWhole(last, version)) {
    return { is: 'lost', starts, mixed }
  }
  return {
    is: 'done',
    starts,
    mixed,
    swap: {
      downMs: gaps.reduce((sum, gap) => sum + gap, 0),
      lastGapMs: gaps.at(-1) ?? 0,
      afterUploadMs: last.at - uploadedAt,
    },
  }
}

/** Each from an end, or from a start that came to nothing, to the next start that is ready. */
function gapsIn(caused: readonly Report[]): number[] {
  const gaps: number[] = []
  let downSince: number | null = null
  for (const { what, at } of caused) {
    if (what === 'end' || what === 'broken') downSince ??= at
    if (what === 'ready' && downSince !== null) {
      gaps.push(at - downSince)
      downSince = null
    }
  }
  return gaps
}

function isWhole({ what, versions }: Report, version: number): boolean {
  return what === 'ready' && isPure(versions) && versions[0] === version
}

function isMixed({ what, versions }: Report): boolean {
  return what === 'broken' || !isPure(versions)
}

function isPure(versions: readonly number[]): boolean {
  return versions.length === 1 && versions[0] !== -1
}

/** Picks one number of a swap; null when it was lost. */
export function partOf(name: keyof Swap): (swapped: Swapped) => number | null {
  return (swapped) => (swapped.is === 'done' ? swapped.swap[name] : null)
}

/** Says which parties lost swaps: the files were there, and the program went on without them. */
export function lostRemarks(answers: ReadonlyMap<string, readonly Swapped[]>): string[] {
  return [...answers].flatMap(([who, all]) => {
    const lost = all.filter(({ is }) => is === 'lost').length
    if (lost === 0) return []
    return [
      `${who} lost ${lost} of ${all.length} swaps: the new version did not run within ${limitMs / 1000} s`,
    ]
  })
}
