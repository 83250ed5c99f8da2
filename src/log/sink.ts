import { Writable } from 'node:stream'
import { setTimeout as timeout } from 'node:timers/promises'
import { within } from '../system/clock.ts'
import type { Outlet } from './outlet.ts'

/** A way to an outlet that never throws, never grows without bound, and recovers. */
export type Sink = {
  /** Takes whole lines. */
  readonly write: (lines: Buffer) => void
  /** The same for winston, which writes line by line. */
  readonly stream: Writable
  /** Resolves when less than the limit waits to be written; at once while nothing can be written. */
  readonly room: () => Promise<void>
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
  let waiting: Buffer[] = []
  /** Also what is just being written. */
  let waitingBytes = 0
  let lostLines = 0
  let pumping: Promise<void> | null = null
  let roomWanted: (() => void)[] = []

  function accept(chunk: Buffer): void {
    if (state === 'closed') return
    // Once a line is lost, so are all until the file moves again: what is kept has no holes.
    if (lostLines > 0 || waitingBytes > 2 * limits().maxPendingBytes) {
      lostLines += linesIn(chunk)
      return
    }
    keep(chunk)
  }

  function keep(chunk: Buffer): void {
    waiting.push(chunk)
    waitingBytes += chunk.length
    // Not at once: what an outlet has to say itself, while it is written to, must find the pump at work.
    pumping ??= Promise.resolve().then(pump)
  }

  async function pump(): Promise<void> {
    while (waiting.length > 0 && state !== 'closed') {
      // A program that says much says it in small pieces, and each write has its price.
      if (waitingBytes < batchBytes && roomWanted.length === 0) await timeout(limits().gatherMs)
      const isWritten = await writeBatch()
      if (!isWritten) await timeout(limits().retryMs, undefined, { ref: false })
      if (state === 'stuck' || waitingBytes < limits().maxPendingBytes) giveRoom()
    }
    pumping = null
  }

  async function writeBatch(): Promise<boolean> {
    const batch = takeBatch()
    const rest = await writeAll(batch)
    waitingBytes -= batch.length - rest.length
    if (rest.length > 0) waiting.unshift(rest)
    else if (waitingBytes <= limits().maxPendingBytes) tellLost()
    return rest.length === 0
  }

  /** Many small ones in one write, and large ones as they are: joining those would copy them. */
  function takeBatch(): Buffer {
    let many = 0
    let bytes = 0
    for (const chunk of waiting) {
      if (many > 0 && bytes + chunk.length > batchBytes) break
      many += 1
      bytes += chunk.length
    }
    const parts = waiting.slice(0, many)
    waiting = waiting.slice(many)
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
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
    const text = Buffer.from(lostText(lostLines))
    lostLines = 0
    // However much is waiting: it must come behind that, and must not be lost itself.
    keep(text)
  }

  function becomeStuck(): void {
    if (state === 'writing') state = 'stuck'
    giveRoom()
  }

  function giveRoom(): void {
    const wanted = roomWanted
    roomWanted = []
    for (const resolve of wanted) resolve()
  }

  return {
    write: accept,
    stream: new Writable({
      decodeStrings: true,
      write(chunk: Buffer, _encoding, done) {
        accept(chunk)
        done()
      },
    }),
    async room() {
      if (state !== 'writing' || waitingBytes < limits().maxPendingBytes) return
      const stall = setTimeout(becomeStuck, limits().closeMs)
      await new Promise<void>((resolve) => roomWanted.push(resolve))
      clearTimeout(stall)
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

/** What is written at once, where it comes in smaller pieces. */
const batchBytes = 262_144

function linesIn(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) lines += 1
  return lines
}
