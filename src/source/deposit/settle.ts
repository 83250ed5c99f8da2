import type { Config } from '../../config.ts'

/** The deposit's fingerprint, and since when it has been this one (milliseconds, monotonic). */
export type Seen = { readonly fingerprint: string; readonly since: number }

/** What is known after one more look. */
export function see(before: Seen | null, fingerprint: string, now: number): Seen {
  return before?.fingerprint === fingerprint ? before : { fingerprint, since: now }
}

/** True when the deposit has not changed for the quiet period. */
export function isSettled(seen: Seen, now: number, config: Config): boolean {
  return now - seen.since >= config.deposit.quietMs
}
