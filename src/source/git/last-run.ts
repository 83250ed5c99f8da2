import type { Site } from '../../config.ts'
import { readTextFile } from '../../system/text-file.ts'
import type { Look } from './look.ts'

/**
 * The last run of the schedule, `.supervisor/last-run.json`: so that a run that was missed while the daemon was
 * off is made up for, and `status` tells what became of the last one.
 */
export type LastRun = {
  /** Whose run it was, as it is in the settings: a run of another one says nothing of this one. */
  readonly schedule: string
  /** When, by the wall clock, in ms since 1970. */
  readonly at: number
  /** What it found, and that for people; null: none has been yet, and the schedule began then. */
  readonly found: Look['is'] | null
  readonly text: string | null
}

/** A record is longer than this only if somebody else has put something in its place. */
const maxBytes = 64_000

/** Where it is kept. */
type Kept = { readonly disk: Site['disk']; readonly paths: Pick<Site['paths'], 'own' | 'lastRun'> }

/** Keeps it, durably. Fails as writing fails. */
export async function keepLastRun(last: LastRun, { disk, paths }: Kept): Promise<void> {
  disk.makeDir(paths.own)
  const at = new Date(last.at).toISOString()
  await disk.writeRecord(paths.lastRun, { ...last, at })
}

/** Reads it; null when there is none, or none that can be read. */
export async function readLastRun({ paths }: Pick<Kept, 'paths'>): Promise<LastRun | null> {
  try {
    const text = await readTextFile(paths.lastRun, maxBytes)
    const record = JSON.parse(text ?? 'null') as (Omit<LastRun, 'at'> & { at: string }) | null
    if (record === null) return null
    const at = Date.parse(record.at)
    return typeof record.schedule === 'string' && Number.isFinite(at) ? { ...record, at } : null
  } catch {
    return null
  }
}
