import type { Site } from '../config.ts'
import type { Ended, Outcome, Release, ReleaseId } from '../model.ts'
import { byAge, isReleaseId } from './store.ts'

/** One line of `history.jsonl`: a release and its outcome. */
export type HistoryEntry = Release & Outcome & { readonly downtimeMs: number }

/**
 * All releases that have ended, oldest first, each with its last outcome: one that was committed may
 * have been rolled back later. A line that a power cut tore is passed over.
 */
export async function readHistory(site: Site): Promise<HistoryEntry[]> {
  const lines = parse((await site.disk.readText(site.paths.history)) ?? '')
  const last = new Map(lines.map((entry) => [entry.id, entry]))
  return [...last.values()].sort((one, other) => byAge(one.id, other.id))
}

function parse(text: string): HistoryEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as HistoryEntry
      return isReleaseId(entry.id) ? [entry] : []
    } catch {
      return []
    }
  })
}

/** Adds the release's outcome, durably and once: a restart may call it again. */
export async function addToHistory(ended: Ended, site: Site): Promise<void> {
  const { disk, paths, config } = site
  const text = (await disk.readText(paths.history)) ?? ''
  const entries = parse(text)
  const known = entries.findLast((entry) => entry.id === ended.release.id)
  if (known?.result === ended.outcome.result) return
  const entry: HistoryEntry = {
    ...ended.release,
    ...ended.outcome,
    downtimeMs: Math.round(ended.downtimeMs),
  }
  if (entries.length < 2 * config.update.keepHistory) {
    // A last line torn by a power cut must not swallow this one.
    const start = text === '' || text.endsWith('\n') ? '' : '\n'
    await disk.append(paths.history, `${start}${JSON.stringify(entry)}\n`)
  } else {
    await disk.replaceText(
      paths.history,
      [...entries.slice(-config.update.keepHistory + 1), entry]
        .map((kept) => `${JSON.stringify(kept)}\n`)
        .join(''),
    )
  }
}

/** The newest release that main holds, apart from those `without`: the last one committed, or `r0`. */
export function lastCommitted(
  entries: readonly HistoryEntry[],
  without: ReadonlySet<ReleaseId> = new Set(),
): ReleaseId {
  const held = entries.filter(({ id, result }) => result === 'committed' && !without.has(id))
  return held.at(-1)?.id ?? 'r0'
}

/** The newest number ever given, from all that is on disk. */
export async function newestId(site: Site): Promise<ReleaseId> {
  const names = [site.paths.releases, site.paths.rejected].flatMap((dir) => site.disk.list(dir))
  const known = [...names, ...(await readHistory(site)).map((entry) => entry.id)]
  return known.filter(isReleaseId).sort(byAge).at(-1) ?? 'r0'
}
