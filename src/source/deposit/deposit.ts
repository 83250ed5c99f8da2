import type { DepositSite } from '../../config.ts'
import { codeOf, messageOf, OperationalError } from '../../errors.ts'
import type { Clock, Hold, Log, Writers } from '../../model.ts'
import { depositWords } from '../../words-deposit.ts'
import { releaseWords } from '../../words-release.ts'
import { claimInto, sizeOf } from './claim.ts'
import { openJudgement, type Upload } from './judgement.ts'
import { openEmptied, removeJunk, removeLateMarkers } from './leftovers.ts'
import type { Answer } from './result.ts'
import { type Entry, type Snapshot, scan } from './scan.ts'
import { orphans, type Seen, type SessionsLook, see } from './settle.ts'
import { openTelling } from './telling.ts'
import { openWatch, type Watch } from './watch.ts'

/** The deposit as a source of releases. */
export type Deposit = {
  /**
   * Waits for an upload that is complete. Null when the signal aborts first; nothing is watched then. `soon` hears what
   * will be one in a moment if nothing more comes; perhaps again and again.
   */
  readonly next: (signal: AbortSignal, soon: Soon) => Promise<Upload | null>
  /**
   * Moves a complete upload into a staging folder. The answer is null, or the path that was not as it
   * had been seen: then what was moved so far is for `giveBack`.
   */
  readonly claim: (snapshot: Snapshot, staging: string) => Promise<string | null>
  /** Takes note that the system said no to a claim, and tells it. */
  readonly unclaimed: (why: string, hint: string | undefined) => void
  /**
   * Takes note that a claim was given back because something is missing or broken in it: it is left
   * alone until it changes, or for `repairMs`.
   */
  readonly holdBack: (upload: Upload, why: string) => Promise<void>
  /** The same because the network was gone: it is held longer with each time in a row. */
  readonly holdForNetwork: (upload: Upload) => Promise<void>
  /** True when something lies in it, complete or not. */
  readonly hasContent: () => Promise<boolean>
  /** What the last look found; it costs nothing to ask. */
  readonly state: () => DepositState
}

type Soon = (entries: readonly Entry[]) => void

/** How the deposit stands: for who asks, decides nothing. */
export type DepositState = {
  /** Files that are, or may become, a release; also those under temporary names. */
  readonly files: number
  /** The first reason why they are not claimed yet; null when there is none, or nothing to claim. */
  readonly waitingFor: Hold | null
}

/** What is to be ready at the end of the quiet period is begun this long before it, in milliseconds, at the earliest. */
const nearMs = 1_000

function keyOf({ path, fingerprint }: Entry): string {
  return `${path}\0${fingerprint}`
}

/**
 * Opens the deposit. Events only wake; a scan decides. While something is in it, also under a temporary
 * name, the watch is closed and the scan polls: a slow upload raises thousands of events a second, and
 * they would tell no more.
 */
export function openDeposit(
  site: DepositSite,
  writers: Writers,
  log: Log,
  answer: Answer,
  clock: Clock,
): Deposit {
  const { paths, config, disk } = site
  const limits = config.deposit
  const judgement = openJudgement(site, writers, clock)
  let watch: Watch | null = null
  const telling = openTelling(site, log, answer, clock)
  const toldClosed = new Set<string>()
  /** Files under temporary names that were given up, by fingerprint. */
  const givenUp = new Map<string, string>()
  /** What should be removed and cannot be. */
  const sticking = new Set<string>()
  const emptied = openEmptied(site, clock)
  let state: DepositState = { files: 0, waitingFor: null }

  /** A folder that stays where it is: the uploader must know. */
  function tellClosed(entry: Entry): void {
    if (toldClosed.has(keyOf(entry))) return
    toldClosed.add(keyOf(entry))
    const text =
      entry.kind === 'deep'
        ? depositWords.deepFolder(entry.path)
        : depositWords.closedFolder(entry.path)
    log.warn(text)
    answer.tell(text)
  }

  async function armed(): Promise<Watch> {
    if (watch?.isAlive()) return watch
    await unarm()
    if (disk.kind(paths.deposit) === null) {
      // A project that was taken away is not made again.
      if (disk.kind(`${paths.project}/.`) === null) throw noProject(paths.project)
      disk.makeDir(paths.deposit)
      log.warn(depositWords.depositMadeAgain(paths.deposit))
    }
    watch = await openWatch(paths.deposit, (error) =>
      telling.deaf(depositWords.watchTrouble(codeOf(error))),
    )
    return watch
  }

  /** Looks at all of the deposit; fails if it is not a folder of its own. */
  async function look(): Promise<Snapshot> {
    const kind = disk.kind(paths.deposit)
    if (kind === null || kind === 'dir') {
      const found = await scan(paths.deposit, config)
      for (const entry of found.closed) tellClosed(entry)
      const temporary = found.temporary.filter(isUnderWay)
      const [entries, junk] = [emptied.without(found.entries), emptied.without(found.junk)]
      return { ...found, entries, junk, temporary }
    }
    throw new OperationalError(depositWords.depositNotFolder, {
      code: 'ENOTDIR',
      path: paths.deposit,
    })
  }

  async function unarm(): Promise<void> {
    const old = watch
    watch = null
    await old?.close()
  }

  /** Watches an empty deposit until something is in it; false when the signal aborts first. */
  async function noticed(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const watching = await armed()
      const snapshot = await look()
      telling.noTrouble()
      state = { files: countOf(snapshot), waitingFor: null }
      if (isActive(snapshot)) return true
      telling.noHold()
      emptied.sweep(snapshot.entries)
      if (snapshot.hasGo) removeLateMarkers(site, clock)
      await watching.woken(limits.rescanMs, signal)
    }
    return false
  }

  /** True while something is in it that is, or may become, a release. */
  function isActive({ hasContent, junk, temporary }: Snapshot): boolean {
    return hasContent || removable(junk).length > 0 || temporary.length > 0
  }

  /** What was given up once must not hold up the next upload as well. */
  function isUnderWay({ path, fingerprint }: Entry): boolean {
    return givenUp.get(path) !== fingerprint
  }

  function countOf(snapshot: Snapshot): number {
    return sizeOf(snapshot).files + snapshot.temporary.length
  }

  function removable(junk: readonly Entry[]): readonly Entry[] {
    return junk.filter((entry) => !sticking.has(keyOf(entry)))
  }

  /** Looks again and again until there is no reason to wait. Null when there is nothing left. */
  async function settled(signal: AbortSignal, soon: Soon): Promise<Upload | null> {
    let seen: Seen | null = null
    let sessions: SessionsLook | null = null
    const start = clock.now()
    while (!signal.aborted) {
      const begin = clock.now()
      const snapshot = await look()
      const looked = clock.now()
      if (!isActive(snapshot)) return null
      const around = await judgement.lookAround(snapshot, sessions)
      sessions = around.sessions
      const now = clock.now()
      seen = see(seen, around, now, looked)
      giveUp(orphans(seen, now, limits), seen)
      // By when it began: a look that takes long is no quiet period.
      const found = await judgement.decide(around, seen, begin)
      state = { files: countOf(snapshot), waitingFor: 'because' in found ? found : null }
      if (complete(found, snapshot)) return found
      if (isNear(found)) soon(snapshot.entries)
      await clock.sleep(pause(found, now - begin, now - start), signal)
    }
    return null
  }

  /**
   * How long to the next look: looking costs little in the long run, a short upload is looked at
   * often, and the end of the quiet period is not missed. No more than half of the time is spent on looking.
   */
  function pause(found: Hold | Upload, costMs: number, ageMs: number): number {
    const frugal = Math.min(costMs / limits.tickShare, ageMs * limits.tickGrowth)
    const usual = Math.max(limits.tickMs, frugal)
    const isQuiet = 'because' in found && found.because === 'quiet'
    return isQuiet ? Math.min(usual, Math.max(costMs, found.leftMs - costMs)) : usual
  }

  /** True when half of the quiet period is over, and there is little left of it. */
  function isNear(found: Hold | Upload): boolean {
    if (!('because' in found) || found.because !== 'quiet') return false
    return found.leftMs < Math.min(found.ms / 2, nearMs)
  }

  /** True for an upload with something in it; a reason to wait is told. */
  function complete(found: Hold | Upload, snapshot: Snapshot): found is Upload {
    if ('because' in found) {
      telling.hold(found)
      return false
    }
    const removed = removable(snapshot.junk)
    if (removed.length > 0) {
      const text = releaseWords.junk(removed.map(({ path }) => path))
      log.info(text)
      answer.tell(text)
      for (const entry of removeJunk(removed, snapshot, site)) sticking.add(keyOf(entry))
      emptied.note(removed.filter(({ kind }) => kind === 'dir'))
    }
    return found.snapshot.hasContent
  }

  function giveUp(paths: readonly string[], seen: Seen): void {
    for (const path of paths) {
      givenUp.set(path, seen.temporary.get(path)?.fingerprint ?? '')
      log.warn(depositWords.orphan(path))
      answer.tell(depositWords.orphan(path))
    }
  }

  /** The fingerprint of an upload that lies in the deposit again. */
  async function givenBack(upload: Upload): Promise<string> {
    // On another file system what was given back is a copy, with a fingerprint of its own.
    const isCopy = disk.fileSystemOf(paths.deposit) !== disk.fileSystemOf(paths.releases)
    return isCopy ? (await look()).fingerprint : upload.snapshot.fingerprint
  }

  return {
    async next(signal, soon) {
      while (!signal.aborted) {
        try {
          if (await noticed(signal)) {
            await unarm()
            const upload = await settled(signal, soon)
            if (upload !== null) return upload
          }
        } catch (error) {
          const why = depositWords.depositTrouble(paths.deposit, messageOf(error))
          state = { files: 0, waitingFor: { because: 'unreadable', why } }
          telling.trouble(why)
          await clock.sleep(limits.retryMs, signal)
        }
      }
      // Here and not in a call from outside: nothing can arm it again behind our back.
      await unarm()
      return null
    },
    async claim(snapshot, staging) {
      const changed = await claimInto(staging, snapshot, writers, site)
      emptied.note(snapshot.entries.filter(({ kind }) => kind === 'dir'))
      // What else was there waits for its own turn.
      if (changed === null) {
        telling.noHold()
        state = { files: state.files - sizeOf(snapshot).files, waitingFor: null }
      }
      return changed
    },
    unclaimed(why, hint) {
      const waitingFor = { because: 'unclaimed', why, hint } as const
      state = { ...state, waitingFor }
      telling.hold(waitingFor)
    },
    async holdBack(upload, why) {
      judgement.holdBack(await givenBack(upload), why)
    },
    async holdForNetwork(upload) {
      judgement.holdForNetwork(await givenBack(upload))
    },
    async hasContent() {
      try {
        return (await look()).hasContent
      } catch {
        // `next` says what is wrong, and waits until it is right.
        return false
      }
    },
    state: () => state,
  }
}

function noProject(project: string): OperationalError {
  return new OperationalError(depositWords.projectGone(project), { code: 'ENOENT', path: project })
}
