/** Lines that wait to be written, put together in memory that is used again: new memory would cost more than to copy them. */
export type Desks = {
  /** Copies whole lines behind the others. */
  readonly put: (lines: Buffer) => void
  /** The oldest, whole lines, as many as are written at once; empty when there are none. */
  readonly take: () => Buffer
  /** What was taken last is written. */
  readonly isWritten: () => void
  /** Gives the memory back that nothing waits in. */
  readonly tidy: () => void
}

/** What is written at once, in bytes, where it comes in smaller pieces. */
export const batchBytes = 524_288

/** A desk for who says little, in bytes. */
const smallBytes = 16_384

/** `usedBytes` of it are lines. */
type Desk = { readonly memory: Buffer; usedBytes: number }

/** Desks with nothing on them. */
export function openDesks(): Desks {
  /** Oldest first. */
  const waiting: Desk[] = []
  let taken: Desk | null = null
  let free: Buffer[] = []

  function newDesk(bytes: number): Desk {
    const isLittle = waiting.length === 0 && bytes <= smallBytes
    const size = isLittle ? smallBytes : Math.max(bytes, batchBytes)
    const memory = (size === batchBytes ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)
    const desk = { memory, usedBytes: 0 }
    waiting.push(desk)
    return desk
  }

  return {
    put(lines) {
      const last = waiting.at(-1)
      const hasRoom = last !== undefined && last.memory.length - last.usedBytes >= lines.length
      const desk = hasRoom ? last : newDesk(lines.length)
      desk.memory.set(lines, desk.usedBytes)
      desk.usedBytes += lines.length
    },
    take() {
      taken = waiting.shift() ?? null
      return taken === null ? Buffer.alloc(0) : taken.memory.subarray(0, taken.usedBytes)
    },
    isWritten() {
      if (taken?.memory.length === batchBytes) free.push(taken.memory)
      taken = null
    },
    tidy() {
      free = []
    },
  }
}
