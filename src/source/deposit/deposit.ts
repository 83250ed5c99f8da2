import type { Site } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import type { Clock, Log } from '../../model.ts'
import { words } from '../../words.ts'
import { type Snapshot, scan } from './scan.ts'
import { isSettled, type Seen, see } from './settle.ts'
import { openWatch, type Watch } from './watch.ts'

/** The deposit as a source of releases. */
export type Deposit = {
  /** Waits for an upload that is complete. Null when the signal aborts first. */
  readonly next: (signal: AbortSignal) => Promise<Snapshot | null>
  /** True when something lies in it, complete or not. */
  readonly hasContent: () => Promise<boolean>
  readonly close: () => Promise<void>
}

/**
 * Opens the deposit. Events only wake; a scan decides. While something is in it, the watch is closed
 * and the scan polls: a slow upload raises thousands of events a second, and they would tell no more.
 */
export function openDeposit(site: Site, log: Log, clock: Clock): Deposit {
  const { paths, config, disk } = site
  let watch: Watch | null = null
  let lastTrouble = ''

  function tellOnce(trouble: string): void {
    if (trouble !== lastTrouble) log.warn(trouble)
    lastTrouble = trouble
  }

  async function armed(): Promise<Watch> {
    if (watch?.isAlive()) return watch
    await unarm()
    if (disk.kind(paths.deposit) === null) {
      disk.makeDir(paths.deposit)
      log.warn(words.depositMadeAgain(paths.deposit))
    }
    watch = await openWatch(paths.deposit, (error) =>
      tellOnce(words.watchTrouble(messageOf(error))),
    )
    return watch
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
      if ((await scan(paths.deposit, config)).hasContent) return true
      lastTrouble = ''
      await watching.woken(config.deposit.rescanMs, signal)
    }
    return false
  }

  /** Looks again and again until nothing changes any more. Null when there is nothing left. */
  async function settled(signal: AbortSignal): Promise<Snapshot | null> {
    let seen: Seen | null = null
    while (!signal.aborted) {
      const begin = clock.now()
      const snapshot = await scan(paths.deposit, config)
      if (!snapshot.hasContent) return null
      const now = clock.now()
      seen = see(seen, snapshot.fingerprint, now)
      if (isSettled(seen, now, config)) return snapshot
      await clock.sleep(Math.max(config.deposit.tickMs, 3 * (now - begin)), signal)
    }
    return null
  }

  return {
    async next(signal) {
      while (!signal.aborted) {
        try {
          if (await noticed(signal)) {
            await unarm()
            const snapshot = await settled(signal)
            if (snapshot !== null) return snapshot
          }
        } catch (error) {
          tellOnce(words.depositTrouble(paths.deposit, messageOf(error)))
          await clock.sleep(config.deposit.retryMs, signal)
        }
      }
      // The signal may have come, and `close` been called, while the watch was being opened. Left
      // open, it would keep the daemon from ending.
      await unarm()
      return null
    },
    hasContent: async () => (await scan(paths.deposit, config)).hasContent,
    close: unarm,
  }
}
