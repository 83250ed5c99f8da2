import { readSync } from 'node:fs'
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { codeOf } from '../errors.ts'

/**
 * Is given each piece that is read. The piece is good until `Take` returns or, where it answers with a promise, until
 * that is over: nothing is read meanwhile.
 */
export type Take = (piece: Buffer) => Promise<unknown> | null

/** What is read from a pipe or a socket, as it comes. */
export type Reading = {
  /**
   * Begins to read, once. Resolves at the end, when what is read is closed and the last piece taken; rejects
   * with what the system says, or `take`.
   */
  readonly into: (take: Take) => Promise<void>
  /**
   * Reads what is in it, however long `take` needs, and closes it: for when those who wrote are dead. Whoever else
   * has it open, and may write for ever, is not waited for. Resolves then, and never rejects: `into` does.
   */
  readonly rest: () => Promise<void>
  /** Closes it: no piece comes any more. */
  readonly cut: () => void
  /** True when it is closed, or about to be. */
  readonly isOver: () => boolean
}

/**
 * Reads a descriptor that does not block, and closes it at its end. All is read into the same memory, up to 128 KiB at
 * once, and handed on in the same moment: a stream of Node's takes new memory for each 64 KiB and some
 * promises for each piece, which costs several times as much as the reading.
 */
export function readDescriptor(fd: number): Reading {
  const memory = openMemory()
  const onread: OnReadOpts = {
    buffer: memory.next,
    callback(bytes, from) {
      memory.used(bytes)
      return flow.give(Buffer.from(from.buffer, from.byteOffset, bytes))
    },
  }
  // net.Socket takes `onread` itself; Node's types know it only where a socket connects.
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread,
  }
  const socket = new Socket(options)
  socket.pause()
  const flow = openFlow(socket, () => {
    const next = memory.next()
    const bytes = socket.destroyed ? 0 : (readNow(fd, next) ?? 0)
    memory.used(bytes)
    return next.subarray(0, bytes)
  })
  return flow.reading
}

/** Reads a socket that Node has made: for where there are no pipes. */
export function readSocket(socket: Readable): Pick<Reading, 'into' | 'rest'> {
  let last: ReturnType<Take> = null
  let bytes = 0
  return {
    async into(take) {
      try {
        for await (const piece of socket) {
          bytes += piece.length
          last = take(piece)
          await last
        }
      } catch (error) {
        // It is closed before its end: somebody still has it open.
        if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
      }
    },
    async rest() {
      const most = bytes + widePipeBytes
      for (let before = -1; before < bytes && bytes < most; ) {
        before = bytes
        // If it fails, `into` tells.
        await last?.catch(() => undefined)
        // Between two turns Node reads what is there.
        await nextTurn()
        await nextTurn()
      }
      socket.destroy()
    },
  }
}

/** How pieces go from a descriptor's socket to who takes them. `now` reads what is there in this moment; empty: nothing is. */
function openFlow(socket: Socket, now: () => Buffer) {
  let take: Take = () => null
  let last: ReturnType<Take> = null
  let goOn = () => void socket.resume()
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // It is kept in `errored`.
  socket.on('error', () => undefined)

  /** Hands on a piece that was read. False: nothing is to be read until `goOn`. */
  function give(piece: Buffer): boolean {
    try {
      last = take(piece)
      last?.then(
        () => goOn(),
        (error: Error) => socket.destroy(error),
      )
      return last === null
    } catch (error) {
      socket.destroy(error as Error)
      return false
    }
  }

  /** Reads by itself, for as much as a pipe can hold: more has come since. */
  async function readRest(): Promise<void> {
    goOn = () => undefined
    // Only after a turn it is sure that no `resume` of before begins to read again.
    await nextTurn()
    socket.pause()
    await last
    for (let left = widePipeBytes; left > 0; ) {
      const piece = now()
      if (piece.length === 0) return
      left -= piece.length
      last = take(piece)
      await last
      // What does not fill the memory was all there was, but for packets (O_DIRECT of pipe(2)): nobody prints such.
      if (piece.length < usualBytes) return
    }
  }

  const reading: Reading = {
    async into(to) {
      take = to
      socket.resume()
      await closed
      await last
      if (socket.errored !== null) throw socket.errored
    },
    async rest() {
      await readRest().then(
        () => socket.destroy(),
        (error: Error) => socket.destroy(error),
      )
    },
    cut: () => socket.destroy(),
    isOver: () => socket.destroyed,
  }
  return { give, reading }
}

/**
 * Reads from a descriptor that does not block. The answer is how many bytes; 0: it is at its end; null: there are none
 * in this moment. Throws what the system says otherwise.
 */
export function readNow(fd: number, into: Buffer): number | null {
  try {
    return readSync(fd, into)
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return null
    throw error
  }
}

/** What a wide pipe holds, in bytes: the most that the system allows everybody (pipe(7), pipe-max-size). */
export const widePipeBytes = 1_048_576

/** What a pipe holds that nobody has widened (pipe(7)). */
const usualBytes = 65_536

/** No piece is larger: this is for who says very much. With more, the processor would no longer find all of it in its cache. */
const mostPieceBytes = 131_072

/** Of a program that floods every other piece is small: so many in a row are the end of that. */
const manySmall = 64

/** The memory for the next piece: who fills it gets more; who says little for a while gives that back. */
function openMemory(): { readonly next: () => Buffer; readonly used: (bytes: number) => void } {
  let memory: Buffer = Buffer.allocUnsafeSlow(usualBytes)
  let small = 0
  return {
    next: () => memory,
    used(bytes) {
      small = bytes < usualBytes / 16 ? small + 1 : 0
      if (bytes === memory.length && bytes < mostPieceBytes) {
        memory = Buffer.allocUnsafeSlow(mostPieceBytes)
      } else if (small >= manySmall && memory.length > usualBytes) {
        memory = Buffer.allocUnsafeSlow(usualBytes)
      }
    },
  }
}
