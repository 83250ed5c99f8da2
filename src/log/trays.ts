/**
 * Lines that wait to be written, put together in memory that is used again: new memory would cost more than
 * to copy them.
 */
export type Trays = {
  /** Copies whole lines behind the others. */
  readonly put: (lines: Buffer) => void
  /** The oldest, whole lines, as many as are written at once; empty when there are none. */
  readonly take: () => Buffer
  /** What was taken last is written: its tray is free. */
  readonly clear: () => void
  /** Nothing is written for now: gives memory back, but for one tray. */
  readonly rest: () => void
}

/** What is written at once, in bytes, where it comes in smaller pieces. */
export const batchBytes = 524_288

/** A tray for who says little, in bytes. It is exchanged for a large one when more comes. */
const smallBytes = 16_384

/** `usedBytes` of it are lines. */
type Tray = { memory: Buffer; usedBytes: number }

/** Trays with nothing on them. */
export function openTrays(): Trays {
  /** Oldest first. */
  const waiting: Tray[] = []
  let taken: Tray | null = null
  let free: Buffer[] = []

  function largeMemory(bytes: number): Buffer {
    const found = free.find(({ length }) => length >= bytes)
    if (found === undefined) return Buffer.allocUnsafeSlow(Math.max(bytes, batchBytes))
    free = free.filter((memory) => memory !== found)
    return found
  }

  function newTray(bytes: number): Tray {
    const isSmall = bytes <= smallBytes && free.length === 0
    const memory = isSmall ? Buffer.allocUnsafeSlow(smallBytes) : largeMemory(bytes)
    const tray = { memory, usedBytes: 0 }
    waiting.push(tray)
    return tray
  }

  function add(lines: Buffer, tray: Tray): void {
    const bytes = tray.usedBytes + lines.length
    if (bytes > tray.memory.length) {
      const memory = largeMemory(bytes)
      memory.set(tray.memory.subarray(0, tray.usedBytes))
      tray.memory = memory
    }
    tray.memory.set(lines, tray.usedBytes)
    tray.usedBytes = bytes
  }

  return {
    put(lines) {
      const last = waiting.at(-1)
      const fits = last !== undefined && last.usedBytes + lines.length <= batchBytes
      add(lines, fits ? last : newTray(lines.length))
    },
    take() {
      taken = waiting.shift() ?? null
      return taken === null ? Buffer.alloc(0) : taken.memory.subarray(0, taken.usedBytes)
    },
    clear() {
      if (taken !== null && taken.memory.length >= batchBytes) free.push(taken.memory)
      taken = null
    },
    rest() {
      free = free.filter(({ length }) => length === batchBytes).slice(0, 1)
    },
  }
}
