import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/**
 * Is given each piece that is read. The piece is good until `Take` returns or, where it answers with a promise, until
 * that is over: nothing is read meanwhile.
 */
export type Take = (piece: Buffer) => Promise<unknown> | null

/** What is read from a descriptor, as it comes. */
export type Reading = {
  /**
   * Begins to read, once. Resolves at the end, when the descriptor is closed and the last piece taken; rejects
   * with what the system says, or `take`.
   */
  readonly into: (take: Take) => Promise<void>
  /** Closes the descriptor: no piece comes any more. */
  readonly cut: () => void
  /** True when the descriptor is closed, or about to be. */
  readonly isOver: () => boolean
}

/**
 * Reads a descriptor that does not block, and closes it at its end. All is read into the same memory, up to 128 KiB at
 * once, and handed on in the same moment: a stream of Node's takes new memory for each 64 KiB and some
 * promises for each piece, which costs several times as much as the reading.
 */
export function readDescriptor(fd: number): Reading {
  const memory = openMemory()
  let give: Take = () => null
  let last: ReturnType<Take> = null
  const onread: OnReadOpts = {
    buffer: memory.next,
    callback(bytes, from) {
      memory.used(bytes)
      try {
        last = give(Buffer.from(from.buffer, from.byteOffset, bytes))
        last?.then(
          () => socket.resume(),
          (error: Error) => socket.destroy(error),
        )
        return last === null
      } catch (error) {
        socket.destroy(error as Error)
        return false
      }
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
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // It is kept in `errored`.
  socket.on('error', () => undefined)
  return {
    async into(take) {
      give = take
      socket.resume()
      await closed
      await last
      if (socket.errored !== null) throw socket.errored
    },
    cut: () => socket.destroy(),
    isOver: () => socket.destroyed,
  }
}

/** What a pipe holds that nobody has widened (pipe(7)). */
const usualBytes = 65_536

/** No piece is larger: this is for who says very much. With more, the processor would no longer find all of it in its cache. */
export const mostPieceBytes = 131_072

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
