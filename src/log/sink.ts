import { Writable } from 'node:stream'
import { setTimeout as timeout } from 'node:timers/promises'
import { within } from '../system/clock.ts'
import type { Outlet } from './outlet.ts'
import { batchBytes, openTrays } from './trays.ts'

/** A way to an outlet that never throws, never grows without bound, and recovers. */
export type Sink = {
  /** Takes whole lines: it copies them. */
  readonly write: (lines: Buffer) => void
  /** The same for winston, which writes line by line. */
  readonly stream: Writable
  /** Null: less than the limit waits to be written, or nothing can be written. Else resolves when that is so. */
  readonly room: () => Promise<void> | null
  /** Writes what is waiting, for `ms` at most, and closes the outlet. */
  readonly close: (ms: number) => Promise<void>
}

/** What a sink keeps to. */
export type SinkLimits = {
  /** What comes within this is written together. */
  readonly gatherMs: number
  /** Above this, `room` waits; above twice this, lines are dropped and counted. */
  readonly maxPendingBytes: number
  /** After an error (a full disk) the next try is made after this. */
  readonly retryMs: number
  /** A file that takes nothing for this long (a stopped terminal) holds nobody up any more. */
  readonly closeMs: number
}

/** `stuck`: an error or a stall; nobody waits for it, and what does not fit is counted. */
type State = 'writing' | 'stuck' | 'closed'

/**
 * Opens a sink onto an outlet. winston's own file transport goes silent for good after
 * one ENOSPC and keeps every later line in memory; Node's own stdout blocks the whole process when
 * its reader does. `lostText` makes the line that tells, afterwards, how many lines were dropped.
 */
export function openSink(
  outlet: Outlet,
  limits: () => SinkLimits,
  lostText: (lines: number) => string,
): Sink {
  let state: State = 'writing'
  const trays = openTrays()
  /** What was taken of the trays, and the outlet has taken only a part of. */
  let begun: Buffer = Buffer.alloc(0)
  /** Both together, and what is just being written. */
  let waitingBytes = 0
  let lostLines = 0
  let pumping: Promise<void> | null = null
  let roomWanted: (() => void)[] = []
  let stopGathering = (): void => undefined

  function accept(lines: Buffer): void {
    if (state === 'closed') return
    // Once a line is lost, so are all until the file moves again: what is kept has no holes.
    if (lostLines > 0 || waitingBytes > 2 * limits().maxPendingBytes) {
      lostLines += endsIn(lines)
      return
    }
    keep(lines)
  }

  function keep(lines: Buffer): void {
    trays.put(lines)
    waitingBytes += lines.length
    if (isEnough()) stopGathering()
    // Not at once: what an outlet has to say itself, while it is written to, must find the pump at work.
    pumping ??= Promise.resolve().then(pump)
  }

  async function pump(): Promise<void> {
    while (waitingBytes > 0 && state !== 'closed') {
      await gather()
      const isWritten = await writeBatch()
      if (!isWritten) await timeout(limits().retryMs, undefined, { ref: false })
      if (state === 'stuck' || waitingBytes < limits().maxPendingBytes) giveRoom()
    }
    trays.rest()
    pumping = null
  }

  /** A program that says much says it in small pieces, and each write has its price. */
  async function gather(): Promise<void> {
    if (isEnough()) return
    await new Promise<void>((resolve) => {
      const most = setTimeout(resolve, limits().gatherMs)
      stopGathering = () => {
        clearTimeout(most)
        resolve()
      }
    })
  }

  function isEnough(): boolean {
    return waitingBytes >= batchBytes || roomWanted.length > 0
  }

  async function writeBatch(): Promise<boolean> {
    const batch = begun.length > 0 ? begun : trays.take()
    begun = await writeAll(batch)
    waitingBytes -= batch.length - begun.length
    if (begun.length > 0) return false
    trays.clear()
    if (waitingBytes <= limits().maxPendingBytes) tellLost()
    return true
  }

  /** Writes as much as the file takes and returns the rest. */
  async function writeAll(batch: Buffer): Promise<Buffer> {
    let at = 0
    try {
      while (at < batch.length) at += await outlet.write(batch.subarray(at))
      if (state === 'stuck') state = 'writing'
    } catch {
      becomeStuck()
    }
    return batch.subarray(at)
  }

  function tellLost(): void {
    if (lostLines === 0) return
    const text = lostText(lostLines)
    lostLines = 0
    // However much is waiting: it must come behind that, and must not be lost itself.
    keep(Buffer.from(text))
  }

  function becomeStuck(): void {
    if (state === 'writing') state = 'stuck'
    giveRoom()
  }

  async function untilRoom(): Promise<void> {
    const stall = setTimeout(becomeStuck, limits().closeMs)
    const room = new Promise<void>((resolve) => roomWanted.push(resolve))
    stopGathering()
    await room
    clearTimeout(stall)
  }

  function giveRoom(): void {
    const wanted = roomWanted
    roomWanted = []
    for (const resolve of wanted) resolve()
  }

  return {
    write: accept,
    stream: new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        accept(Buffer.from(text))
        done()
      },
    }),
    room() {
      const isThere = state !== 'writing' || waitingBytes < limits().maxPendingBytes
      return isThere ? null : untilRoom()
    },
    async close(ms) {
      const never = new AbortController().signal
      await within(pumping ?? Promise.resolve(), never, ms)
      state = 'closed'
      giveRoom()
      outlet.close()
    },
  }
}

/** How many line ends there are in it. */
function endsIn(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(0x0a); at >= 0; at = lines.indexOf(0x0a, at + 1)) count += 1
  return count
}
