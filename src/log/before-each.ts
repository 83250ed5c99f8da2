/**
 * `lines` with `start` (ASCII) before each of them, and a line end behind the last if it has none. The answer is
 * good until the next call: all are made in the same memory. A program's output all goes through here, and to move
 * lines within memory takes a third of what strings take.
 */
export function beforeEach(start: string, lines: Buffer): Buffer {
  const width = start.length
  const count = endsIn(lines)
  const room = roomFor(lines.length + (count + 1) * width + 1)
  room.write(start, 'latin1')
  // Behind the room for all starts. From there each line is moved to its place, nearer to the begin.
  const end = room.length - 1
  let from = end - lines.length
  room.set(lines, from)
  let at = 0
  function place(until: number): void {
    if (at > 0) room.copyWithin(at, 0, width)
    room.copyWithin(at + width, from, until)
    at += width + until - from
    from = until
  }
  for (let left = count; left > 0; left -= 1) place(room.indexOf(newline, from) + 1)
  if (from === end && count > 0) return room.subarray(0, at)
  place(end)
  room[at] = newline
  return room.subarray(0, at + 1)
}

const newline = 0x0a

/** How many line ends there are in it. */
export function endsIn(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) count += 1
  return count
}

/** At most this is kept for the next call, in bytes: enough for what is read at once, but of the shortest lines. */
const keptBytes = 1_048_576

let kept: Buffer = Buffer.alloc(0)

/** The kept memory where that is large enough. Most programs never say much: it grows with what is asked for. */
function roomFor(bytes: number): Buffer {
  if (bytes > keptBytes) return Buffer.allocUnsafeSlow(bytes)
  if (bytes > kept.length) kept = Buffer.allocUnsafeSlow(Math.min(keptBytes, 2 * bytes))
  return kept.subarray(0, bytes)
}
