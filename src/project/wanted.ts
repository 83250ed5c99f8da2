import type { Site } from '../config.ts'

/**
 * The operator's last word, `.supervisor/stopped`: while this file is there the program is not
 * started, whatever crashes, is deposited or is booted.
 */
export function isWanted({ disk, paths }: Site): boolean {
  return disk.kind(paths.stopped) === null
}

/** Remembers, durably, that the program is to stay down. `at`: the time, for people. */
export async function rememberStop(at: string, { disk, paths }: Site): Promise<void> {
  disk.makeDir(paths.own)
  await disk.replaceText(paths.stopped, `stopped by the operator at ${at}\n`)
}

/** Forgets it, durably: after a power cut too the program is started. */
export async function forgetStop(site: Site): Promise<void> {
  if (isWanted(site)) return
  site.disk.unlink(site.paths.stopped)
  await site.disk.syncAll(site.paths.own)
}
