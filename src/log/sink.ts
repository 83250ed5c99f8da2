import { Writable } from 'node:stream'
import { setTimeout as timeout } from 'node:timers/promises'
import { within } from '../system/clock.ts'
import type { Outlet } from './outlet.ts'

/** A text stream onto an outlet that never throws, never grows without bound, and recovers. */
export type Sink = {
  /** What winston writes to. */
  readonly stream: Writable
  /** Resolves when less than the limit waits to be written; at once while nothing can be written. */
  readonly room: () => Promise<void>
  /** Writes what is waiting, for `ms` at most, and closes the outlet. */
  readonly close: (ms: number) => Promise<void>
}

export type SinkLimits = {
  /** Above this, `room` waits; above twice this, lines are dropped and counted. */
  readonly maxPendingBytes: number
  /** After an error (a full disk) the next try is made after this. */
  readonly retryMs: number
  /** A file that takes nothing for this long (a stopped terminal) holds nobody up any more. */
  readonly stallMs: number
}

/** `stuck`: an error or a stall; nobody waits for it, and what does not fit is counted. */
type State = 'writing' | 'stuck' | 'closed'

/**
 * Opens a sink onto an outlet. winston's own file transport goes silent for good after
 * one ENOSPC and keeps every later line in memory; Node's own stdout blocks the whole process when
 * its reader does. `lostText` words the line that tells, afterwards, how many lines were dropped.
 */
export function openSink(
  outlet: Outlet,
  limits: SinkLimits,
  lostText: (lines: number) => string,
): Sink {
  let state: State = 'writing'
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let lostLines = 0
  let pumping: Promise<void> | null = null
  let roomWanted: (() => void)[] = []

  function accept(chunk: Buffer): void {
    if (state === 'closed') return
    // Once a line is lost, so are all until the file moves again: what is kept has no holes.
    if (lostLines > 0 || waitingBytes > 2 * limits.maxPendingBytes) {
      lostLines += 1
      return
    }
    keep(chunk)
  }

  function keep(chunk: Buffer): void {
    waiting.push(chunk)
    waitingBytes += chunk.length
    pumping ??= pump()
  }

  async function pump(): Promise<void> {
    while (waitingBytes > 0 && state !== 'closed') {
      const batch = Buffer.concat(waiting)
      waiting = []
      const rest = await writeAll(batch)
      if (rest.length > 0) waiting.unshift(rest)
      waitingBytes = waiting.reduce((sum, part) => sum + part.length, 0)
      if (rest.length > 0) await timeout(limits.retryMs, undefined, { ref: false })
      else tellLost()
      if (state === 'stuck' || waitingBytes < limits.maxPendingBytes) giveRoom()
    }
    pumping = null
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
    const text = Buffer.from(`${lostText(lostLines)}\n`)
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
    stream: new Writable({
      decodeStrings: true,
      write(chunk: Buffer, _encoding, done) {
        accept(chunk)
        done()
      },
    }),
    async room() {
      if (state !== 'writing' || waitingBytes < limits.maxPendingBytes) return
      const stall = setTimeout(becomeStuck, limits.stallMs)
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
