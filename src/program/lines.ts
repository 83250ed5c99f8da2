/**
 * Cuts a stream of bytes into lines. A line longer than `maxBytes` comes in pieces of that size, so
 * a program that never ends its line costs no more memory than one that does.
 */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0

  function take(last: Buffer): Buffer {
    const line = heldBytes === 0 ? last : Buffer.concat([...held, last])
    held = []
    heldBytes = 0
    return line
  }

  try {
    for await (const chunk of chunks) {
      let at = 0
      while (at < chunk.length) {
        const found = lineEnd(chunk, at, maxBytes - heldBytes)
        if (found === null) {
          // A copy: a slice would keep the whole chunk alive.
          held.push(Buffer.from(chunk.subarray(at)))
          heldBytes += chunk.length - at
          break
        }
        yield withoutReturn(take(chunk.subarray(at, found.end)), !found.isCut)
        at = found.isCut ? found.end : found.end + 1
      }
    }
  } finally {
    // Also when the stream breaks off: these are the last words of a program.
    if (heldBytes > 0) yield take(Buffer.alloc(0))
  }
}

/** Where the line at `at` ends in this chunk, or must be cut for want of room; null: not in this one. */
function lineEnd(
  chunk: Buffer,
  at: number,
  room: number,
): { readonly end: number; readonly isCut: boolean } | null {
  const newline = chunk.subarray(at, at + room + 1).indexOf(0x0a)
  if (newline >= 0) return { end: at + newline, isCut: false }
  // Cut only when more is there: the next chunk may begin with the line's end.
  return at + room < chunk.length ? { end: at + room, isCut: true } : null
}

/** A line that ended in CR LF loses the CR too. */
function withoutReturn(line: Buffer, isWhole: boolean): Buffer {
  return isWhole && line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}
