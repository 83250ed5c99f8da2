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

  /** The lines that end in this chunk; the rest of it is held. */
  function* cut(chunk: Buffer): Generator<Buffer> {
    let at = 0
    while (at < chunk.length) {
      const roomEnd = at + maxBytes - heldBytes
      const newline = chunk.subarray(at, roomEnd + 1).indexOf(0x0a)
      // Cut only when more is there: the next chunk may begin with the line's end.
      const isCut = newline < 0 && roomEnd < chunk.length
      if (newline < 0 && !isCut) {
        // A copy: a slice would keep the whole chunk alive.
        held.push(Buffer.from(chunk.subarray(at)))
        heldBytes += chunk.length - at
        return
      }
      const end = isCut ? roomEnd : at + newline
      yield withoutReturn(take(chunk.subarray(at, end)), !isCut)
      at = isCut ? end : end + 1
    }
  }

  try {
    for await (const chunk of chunks) yield* cut(chunk)
  } finally {
    // Also when the stream breaks off: these are the last words of a program.
    if (heldBytes > 0) yield take(Buffer.alloc(0))
  }
}

/** A line that ended in CR LF loses the CR too. */
function withoutReturn(line: Buffer, isWhole: boolean): Buffer {
  return isWhole && line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}
