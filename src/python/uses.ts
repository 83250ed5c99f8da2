import { join } from 'node:path'
import type { Site } from '../config.ts'
import type { ReleaseId } from '../model.ts'
import type { Environment } from './environment.ts'

/**
 * Which environment which release ran with, oldest first: one entry for each release that had another
 * than the one before it. `address` is null where there was none.
 */
export type Use = { readonly since: ReleaseId; readonly address: string | null }

function fileOf({ paths }: Site): string {
  return join(paths.environments, 'uses.json')
}

/** The uses of a project; a file that cannot be read tells of none. */
export async function readUses(site: Site): Promise<readonly Use[]> {
  try {
    return JSON.parse((await site.disk.readText(fileOf(site))) ?? '[]') as Use[]
  } catch {
    return []
  }
}

/** Notes, durably, what a release is about to run with; nothing is written when that is as before. */
export async function noteUse(use: Use, site: Site): Promise<void> {
  const uses = await readUses(site)
  const last = uses.at(-1)?.address ?? null
  if (last === use.address) return
  site.disk.makeDir(site.paths.environments)
  await site.disk.writeRecord(fileOf(site), [...uses.slice(-maxUses), use])
}

/**
 * Forgets, durably, what a release that is undone ran with, and all after it: main runs again with what it
 * had before, and that is what the next release is undone to.
 */
export async function forgetUses(undone: ReleaseId, site: Site): Promise<void> {
  const uses = await readUses(site)
  const kept = uses.filter(({ since }) => numberOf(since) < numberOf(undone))
  if (kept.length < uses.length) await site.disk.writeRecord(fileOf(site), kept)
}

/** More than the releases that can be gone back to. */
const maxUses = 200

/**
 * The environments that must stay: the last two that were in use, and those of every release that can be
 * gone back to. `oldest` is the oldest release that may still be undone, or null.
 */
export function neededBy(uses: readonly Use[], oldest: ReleaseId | null): ReadonlySet<string> {
  const before =
    oldest === null ? -1 : uses.findLastIndex(({ since }) => numberOf(since) < numberOf(oldest))
  const from = Math.max(0, oldest === null ? uses.length - 2 : Math.min(before, uses.length - 2))
  return new Set(uses.slice(from).flatMap(({ address }) => (address === null ? [] : [address])))
}

function numberOf(id: ReleaseId): number {
  return Number(id.slice(1))
}

/**
 * The environments that go: of those that are not needed the oldest, until all together are within the
 * budget (in bytes). The others stay: a release that was refused often comes again, mended.
 */
export function surplus(
  all: readonly Environment[],
  needed: ReadonlySet<string>,
  budget: number,
): string[] {
  let bytes = 0
  for (const one of all) if (needed.has(one.address)) bytes += one.bytes
  const others = all.filter(({ address }) => !needed.has(address))
  return others
    .toSorted((one, other) => other.at.localeCompare(one.at))
    .filter((one) => {
      bytes += one.bytes
      return bytes > budget
    })
    .map(({ address }) => address)
}
