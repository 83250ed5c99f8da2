/** Cuts a stream of bytes between lines. */
export type Cutter = {
  /** The whole lines that end in this chunk, with their line ends, one or more at a time: good as long as the chunk is. */
  readonly add: (chunk: Buffer) => readonly Buffer[]
  /** What has no line end at the end of the stream, as one piece or none. */
  readonly end: () => readonly Buffer[]
}

/**
 * Opens a cutter. A line longer than `maxBytes` comes in pieces of that size, each alone and, but for the
 * last, without a line end; so a program that never ends its line costs no more memory than one that
 * does. A program that says a lot is read in large pieces, and nothing here is done for each line.
 */
export function openCutter(maxBytes: number): Cutter {
  let held: Buffer = Buffer.alloc(0)

  /** The line that is held, with its end; null when it has none yet, or it is too long. By itself: else all would be copied. */
  function heldLine(chunk: Buffer): Buffer | null {
    if (held.length === 0) return null
    const end = chunk.indexOf(newline) + 1
    const isWhole = end > 0 && held.length + end - 1 <= maxBytes
    return isWhole ? Buffer.concat([held, chunk.subarray(0, end)]) : null
  }

  return {
    add(chunk) {
      const first = heldLine(chunk)
      const more =
        first !== null
          ? chunk.subarray(first.length - held.length)
          : held.length === 0
            ? chunk
            : Buffer.concat([held, chunk])
      const { pieces, rest } = cut(more, maxBytes)
      // A copy: what the chunk lies in is used again.
      held = Buffer.from(rest)
      return first === null ? pieces : [first, ...pieces]
    },
    end: () => (held.length === 0 ? [] : [held]),
  }
}

/** Whole lines and pieces of too long ones; the rest is a line that has not ended yet. */
function cut(data: Buffer, maxBytes: number): { pieces: Buffer[]; rest: Buffer } {
  const pieces: Buffer[] = []
  let from = 0
  /** Up to here all lines are whole, and none is too long. */
  let at = 0
  function give(end: number): void {
    if (end > from) pieces.push(data.subarray(from, end))
    from = end
    at = end
  }
  // Only when more is there: the next chunk may begin with the line's end.
  while (data.length - at > maxBytes) {
    const lineEnd = data.lastIndexOf(newline, at + maxBytes)
    if (lineEnd >= at) {
      at = lineEnd + 1
    } else {
      give(at)
      give(characterStart(data, at + maxBytes, at))
    }
  }
  const lastEnd = data.lastIndexOf(newline)
  give(lastEnd >= at ? lastEnd + 1 : at)
  return { pieces, rest: data.subarray(from) }
}

const newline = 0x0a

/** The nearest place at or before `at` that does not cut a character of UTF-8, which has 4 bytes at most. */
function characterStart(data: Buffer, at: number, least: number): number {
  for (let start = at; start > Math.max(least, at - 4); start -= 1) {
    if (((data[start] ?? 0) & 0xc0) !== 0x80) return start
  }
  return at
}
