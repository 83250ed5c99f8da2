/**
 * Cuts a stream of bytes between lines: what comes out is one or more whole lines at a time, with their
 * line ends. A line longer than `maxBytes` comes in pieces of that size, each alone and, but for the
 * last, without a line end; so a program that never ends its line costs no more memory than one that
 * does. A program that says a lot is read in large pieces, and nothing here is done for each line. Each is good
 * until the next is asked for, as the chunks are.
 */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of chunks) {
      const end = chunk.indexOf(newline) + 1
      const isWhole = held.length > 0 && end > 0 && held.length + end - 1 <= maxBytes
      // By itself: to put all of a large chunk behind what is held would copy it.
      if (isWhole) yield Buffer.concat([held, chunk.subarray(0, end)])
      const more = isWhole
        ? chunk.subarray(end)
        : held.length === 0
          ? chunk
          : Buffer.concat([held, chunk])
      const { pieces, rest } = cut(more, maxBytes)
      // A copy: a slice would keep the whole chunk alive.
      held = Buffer.from(rest)
      yield* pieces
    }
  } finally {
    // Also when the stream breaks off: these are the last words of a program.
    if (held.length > 0) yield held
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
