import type { Config } from '../../config.ts'
import type { Hold, Session } from '../../model.ts'
import type { Snapshot } from './scan.ts'

/** What one look at the deposit and the machine tells. */
export type Look = {
  readonly snapshot: Snapshot
  /** Paths that somebody has open for writing. */
  readonly busy: readonly string[]
  /** Some files about which the system does not tell. */
  readonly hasUnknown: boolean
  readonly sessions: SessionsLook
}

/** The upload sessions of the files' owners, and the far ends of all upload connections. */
export type SessionsLook =
  | { readonly are: 'visible'; readonly of: readonly Session[]; readonly ends: ReadonlySet<string> }
  | { readonly are: 'hidden' }

/** What is remembered from look to look. Times are milliseconds on the monotonic clock. */
export type Seen = {
  readonly activity: string
  readonly changedAt: number
  /** When an upload session was last there; the connections, and when they last changed. */
  readonly sessionAt: number
  readonly ends: ReadonlySet<string>
  readonly endsAt: number
  /** The connections there were when the batch began. */
  readonly endsAtBegin: ReadonlySet<string>
  readonly beganAt: number
  /** An SFTP session was there since then, or sessions cannot be seen. */
  readonly maybeSftp: boolean
  /** Files under temporary names: their fingerprints, and since when. */
  readonly temporary: ReadonlyMap<string, { readonly fingerprint: string; readonly since: number }>
}

/** What is known after one more look. `looked`: when the snapshot was whole; what it does not show has changed since. */
export function see(before: Seen | null, look: Look, now: number, looked: number): Seen {
  const { snapshot, sessions } = look
  const ends = sessions.are === 'visible' ? sessions.ends : new Set<string>()
  const hasSession = sessions.are === 'visible' && sessions.of.length > 0
  const isSame = before?.activity === snapshot.activity
  return {
    activity: snapshot.activity,
    changedAt: before !== null && isSame ? before.changedAt : looked,
    sessionAt: hasSession ? now : (before?.sessionAt ?? Number.NEGATIVE_INFINITY),
    ends,
    endsAt:
      before === null || sameEnds(before.ends, ends)
        ? (before?.endsAt ?? Number.NEGATIVE_INFINITY)
        : now,
    endsAtBegin: before?.endsAtBegin ?? ends,
    beganAt: before?.beganAt ?? now,
    maybeSftp: before?.maybeSftp === true || sessions.are === 'hidden' || sessions.of.some(isSftp),
    temporary: new Map(
      snapshot.temporary.map(({ path, fingerprint }) => {
        const known = before?.temporary.get(path)
        const isUntouched = known?.fingerprint === fingerprint && !look.busy.includes(path)
        const since = isUntouched ? known.since : now
        return [path, { fingerprint, since }]
      }),
    ),
  }
}

/** OpenSSH's server, as a program of its own or built into sshd. */
function isSftp({ name }: Session): boolean {
  return name === 'sftp-server' || name.startsWith('sshd')
}

/**
 * The first reason to wait, or null: then the upload is complete. `now` is when the look began: it says nothing of
 * what came later.
 */
export function firstHold(
  seen: Seen,
  look: Look,
  now: number,
  limits: Config['deposit'],
): Hold | null {
  const certain = certainHold(seen, look, now, limits)
  if (certain !== null) return certain
  const bySession = look.snapshot.hasGo ? null : sessionHold(seen, look, now, limits)
  return bySession ?? quietHold(seen, look, now, limits)
}

/** The first reason to wait that is no guess: a marker, a temporary name, somebody who writes. */
export function certainHold(
  seen: Seen,
  look: Look,
  now: number,
  limits: Config['deposit'],
): Hold | null {
  const { snapshot, busy } = look
  if (snapshot.hold !== null) return { because: 'marker', path: snapshot.hold }
  const [unfinished] = [...seen.temporary].filter(
    ([path, { since }]) => now - since < limits.orphanMs || busy.includes(path),
  )
  if (unfinished !== undefined) return { because: 'temporary', path: unfinished[0] }
  const [writing] = busy
  if (writing !== undefined) {
    return { because: 'writer', path: writing, others: busy.length - 1 }
  }
  return null
}

/** Files under temporary names that nobody has touched for long: what an upload that died left. */
export function orphans(seen: Seen, now: number, limits: Config['deposit']): string[] {
  return [...seen.temporary]
    .filter(([, { since }]) => now - since >= limits.orphanMs)
    .map(([path]) => path)
}

function sessionHold(
  seen: Seen,
  { sessions, hasUnknown }: Look,
  now: number,
  limits: Config['deposit'],
): Hold | null {
  if (sessions.are === 'hidden') return null
  const quietFor = now - seen.changedAt
  const [session] = sessions.of
  if (session !== undefined) {
    const waitsForEnd = hasUnknown || limits.waitForSessionEnd
    if (waitsForEnd || quietFor < limits.sessionQuietMs) {
      return { because: 'session', session, isKnown: !hasUnknown }
    }
    return null
  }
  const added = [...seen.ends].filter((end) => !seen.endsAtBegin.has(end)).length
  if (added > 0 && quietFor < limits.connectionMs) return { because: 'connection', many: added }
  return null
}

function quietHold(seen: Seen, look: Look, now: number, limits: Config['deposit']): Hold | null {
  const isHidden = look.sessions.are === 'hidden'
  const isGuess = look.hasUnknown && isHidden
  const known = isHidden || !look.hasUnknown ? limits.quietMs : limits.unknownQuietMs
  const ms = isGuess ? limits.blindQuietMs : known
  // A session that has outstayed its time is not waited for, and does not count here either.
  const isStaying = look.sessions.are === 'visible' && look.sessions.of.length > 0
  const last = Math.max(
    seen.changedAt,
    isStaying || look.snapshot.hasGo ? seen.changedAt : Math.max(seen.sessionAt, seen.endsAt),
  )
  const leftMs = last + ms - now
  return leftMs > 0 ? { because: 'quiet', ms, leftMs, isGuess } : null
}

function sameEnds(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((end) => other.has(end))
}

/**
 * The owners of what would leave the deposit: files, and also the folders that would be removed, which a
 * client has just made and is about to fill.
 */
export function ownersOf({ entries, junk }: Snapshot): ReadonlySet<number> {
  const files = entries.filter(({ kind }) => kind !== 'dir')
  return new Set([...files, ...junk].map(({ uid }) => uid))
}
