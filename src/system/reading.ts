import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/** What is read from a descriptor, as it comes. */
export type Reading = {
  /** To be gone through once. Each piece is good until the next is asked for. Throws what the system says. */
  readonly pieces: AsyncIterable<Buffer>
  /** Closes the descriptor: a piece that is already read still comes, and no other. */
  readonly cut: () => void
  /** True when the descriptor is closed, or about to be. */
  readonly isOver: () => boolean
}

/**
 * Reads a descriptor that does not block, and closes it at its end. One piece is read before it is asked for, and no
 * more: what comes meanwhile gathers where it comes from. All is read into the same memory, up to 128 KiB at once:
 * a stream of Node's takes new memory for each 64 KiB, which costs more than the reading.
 */
export function readDescriptor(fd: number): Reading {
  let memory: Buffer = Buffer.allocUnsafeSlow(usualBytes)
  let piece: Buffer | null = null
  let wake = (): void => undefined
  const onread: OnReadOpts = {
    buffer: () => memory,
    callback(bytes, from) {
      piece = Buffer.from(from.buffer, from.byteOffset, bytes)
      memory = memoryAfter(memory, bytes)
      wake()
      return false
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
  // It is kept in `errored`.
  socket.on('error', () => undefined)
  socket.on('close', () => wake())

  async function* read(): AsyncGenerator<Buffer> {
    try {
      while (piece !== null || !socket.closed) {
        const next = piece
        piece = null
        if (next === null) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        } else {
          yield next
          socket.resume()
        }
      }
      if (socket.errored !== null) throw socket.errored
    } finally {
      socket.destroy()
    }
  }
  return { pieces: read(), cut: () => socket.destroy(), isOver: () => socket.destroyed }
}

/** What a pipe holds that nobody has widened (pipe(7)). */
const usualBytes = 65_536

/** For who says very much. With more, the processor would no longer find all of it in its cache. */
const mostBytes = 131_072

/** Who fills it gets more; who says little again gives that back. */
function memoryAfter(memory: Buffer, bytes: number): Buffer {
  if (bytes === memory.length && bytes < mostBytes) return Buffer.allocUnsafeSlow(mostBytes)
  const isTooMuch = memory.length > usualBytes && bytes < usualBytes / 16
  return isTooMuch ? Buffer.allocUnsafeSlow(usualBytes) : memory
}
