import type { DepositSite } from '../../config.ts'
import type { Clock, Hold, Writers } from '../../model.ts'
import { canSeeSessions, connectionsTo, uploadSessions } from '../../system/sessions.ts'
import { depositWords } from '../../words-deposit.ts'
import { openCutOff } from './cut.ts'
import { placeIn, type Snapshot } from './scan.ts'
import {
  certainHold,
  firstHold,
  type Look,
  ownersOf,
  type Seen,
  type SessionsLook,
} from './settle.ts'
import { openSums } from './sums.ts'

/** A complete upload. */
export type Upload = {
  readonly snapshot: Snapshot
  /** Should it turn out to be broken, there is time to mend it. */
  readonly mayWait: boolean
  /** Why it is to be refused whatever is in it. */
  readonly refused: string | null
  /** How long it has been held already because the network was gone, in milliseconds. */
  readonly heldMs: number
}

/** Tells whether an upload is complete: what `settle.ts` decides, with all that has to be asked for it. */
export type Judgement = {
  /** Asks who writes and who is connected. `before` is what the last look saw of the connections. */
  readonly lookAround: (snapshot: Snapshot, before: SessionsLook | null) => Promise<Look>
  /** The first reason to wait, or else the upload that is complete. */
  readonly decide: (look: Look, seen: Seen, now: number) => Promise<Hold | Upload>
  /** Holds a deposit with this fingerprint for `repairMs`: something in it is broken. */
  readonly holdBack: (fingerprint: string, why: string) => void
  /** Holds it until the network may be back: longer with each time in a row. */
  readonly holdForNetwork: (fingerprint: string) => void
}

/** Opens the judgement of one deposit. */
export function openJudgement(site: DepositSite, writers: Writers, clock: Clock): Judgement {
  const { paths, config } = site
  const limits = config.deposit
  const sums = openSums(site)
  const cutOff = openCutOff(site, clock)
  let unreachable: {
    readonly fingerprint: string
    readonly first: number
    readonly since: number
    readonly waitMs: number
  } | null = null
  let broken: {
    readonly fingerprint: string
    readonly why: string
    readonly since: number
  } | null = null

  /** The first reason to wait, or else the upload that is complete. */
  async function decide(look: Look, seen: Seen, now: number): Promise<Hold | Upload> {
    const { snapshot } = look
    const { manifest } = snapshot
    if (manifest === null || !snapshot.hasContent) {
      // First what the uploader can mend: his connection may stay open for hours.
      const hold = heldBack(snapshot, now) ?? firstHold(seen, look, now, limits)
      return hold ?? (await unlessCut(oneArchive(snapshot, limits.archives), seen, now))
    }
    // With a manifest nothing is guessed: only who writes is still asked.
    const hold = certainHold(seen, look, now, limits)
    if (hold !== null) return hold
    const promised = await sums(snapshot, manifest)
    // It is whole: what is wrong with it is not that something is missing.
    if (promised.is === 'kept') {
      return networkHold(snapshot, now) ?? { ...whole(promised.snapshot, now), mayWait: false }
    }
    const isLate = promised.is === 'nonsense' || now - seen.changedAt > limits.manifestWaitMs
    if (!isLate) return { because: 'manifest', why: promised.why, missing: promised.missing }
    return { ...whole(snapshot, now), mayWait: false, refused: promised.why }
  }

  /** An upload that was cut off is held for a while, and then refused. */
  async function unlessCut(snapshot: Snapshot, seen: Seen, now: number): Promise<Hold | Upload> {
    const path = await cutOff(snapshot, seen)
    if (path === null) return whole(snapshot, now)
    const why = depositWords.cutOff(path)
    if (broken?.fingerprint !== snapshot.fingerprint) {
      broken = { fingerprint: snapshot.fingerprint, why, since: now }
    }
    return brokenHold(snapshot, now) ?? { ...whole(snapshot, now), mayWait: false, refused: why }
  }

  function whole(snapshot: Snapshot, now: number): Upload {
    const { fingerprint } = snapshot
    const heldMs = unreachable?.fingerprint === fingerprint ? now - unreachable.first : 0
    return { snapshot, mayWait: broken?.fingerprint !== fingerprint, refused: null, heldMs }
  }

  async function lookAround(snapshot: Snapshot, before: SessionsLook | null): Promise<Look> {
    const { entries, temporary, junk, manifest } = snapshot
    // Also what is to be removed: a client whose folder goes while it fills it gives up all the rest.
    const all = [...entries, ...temporary, ...junk, ...(manifest === null ? [] : [manifest])]
    const files = all.filter(({ kind }) => kind === 'file')
    const answers = await writers.ask(files.map(({ raw }) => placeIn(paths.deposit, raw)))
    const busy = files.filter((_, index) => answers[index] === 'busy').map(({ path }) => path)
    const isHeld =
      busy.length > 0 || snapshot.hold !== null || heldBack(snapshot, clock.now()) !== null
    return {
      snapshot,
      busy,
      hasUnknown: answers.includes('unknown'),
      // Held up anyway, and for days maybe: to read all of /proc costs more than all the rest.
      sessions: (isHeld ? before : null) ?? lookForSessions(snapshot),
    }
  }

  function lookForSessions(snapshot: Snapshot): SessionsLook {
    if (!canSeeSessions()) return { are: 'hidden' }
    const owners = ownersOf(snapshot)
    return {
      are: 'visible',
      of: uploadSessions().filter(({ uid }) => owners.has(uid)),
      ends: connectionsTo(limits.ports),
    }
  }

  function heldBack(snapshot: Snapshot, now: number): Hold | null {
    return brokenHold(snapshot, now) ?? networkHold(snapshot, now)
  }

  function networkHold({ fingerprint }: Snapshot, now: number): Hold | null {
    if (unreachable?.fingerprint !== fingerprint) return null
    return unreachable.since + unreachable.waitMs > now ? { because: 'unreachable' } : null
  }

  function brokenHold({ fingerprint }: Snapshot, now: number): Hold | null {
    if (broken === null || broken.fingerprint !== fingerprint) return null
    const leftMs = broken.since + config.verify.repairMs - now
    return leftMs > 0 ? { because: 'broken', why: broken.why } : null
  }

  return {
    lookAround,
    decide,
    holdBack(fingerprint, why) {
      broken = { fingerprint, why, since: clock.now() }
    },
    holdForNetwork(fingerprint) {
      const { retryMs, retryMaxMs } = config.python
      const before = unreachable?.fingerprint === fingerprint ? unreachable : null
      const waitMs = before === null ? retryMs : Math.min(2 * before.waitMs, retryMaxMs)
      const since = clock.now()
      unreachable = { fingerprint, first: before?.first ?? since, since, waitMs }
    },
  }
}

/** An archive in the root is a release of its own; what else is there waits for its turn. */
export function oneArchive(snapshot: Snapshot, archives: readonly string[]): Snapshot {
  const archive = snapshot.entries.find(({ path, kind }) => {
    return kind === 'file' && archives.includes(path)
  })
  return archive === undefined ? snapshot : { ...snapshot, entries: [archive] }
}
