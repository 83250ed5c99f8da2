import type { Readable } from 'node:stream'
import type { Git } from './call.ts'

/** What is done with the contents of an object, piece by piece. */
export type Taker = {
  readonly piece: (bytes: Buffer) => void
  readonly end: () => void
}

/**
 * Reads objects out of the repository, as they are kept: no filter has been at them. `begin` is told which
 * of them begins (by its place in the list), and how large it is. False: not all of them could be read. What
 * is thrown while they are taken is thrown on.
 */
export async function readBlobs(
  blobs: readonly string[],
  git: Git,
  begin: (index: number, bytes: number) => Taker,
): Promise<boolean> {
  if (blobs.length === 0) return true
  const batch = openBatch(begin)
  let failed: { readonly error: unknown } | null = null
  const read = async (pipe: Readable, goesOn: () => void) => {
    try {
      for await (const chunk of pipe as AsyncIterable<Buffer>) {
        goesOn()
        batch.take(chunk)
      }
    } catch (error) {
      failed = { error }
    }
  }
  const input = blobs.map((blob) => `${blob}\n`).join('')
  const { code } = await git(['cat-file', '--batch'], { input, read })
  rethrow(failed)
  return code === 0 && batch.done() === blobs.length
}

function rethrow(failed: { readonly error: unknown } | null): void {
  if (failed !== null) throw failed.error
}

/** How large objects are; null: one of them is missing. */
export async function sizesOf(blobs: readonly string[], git: Git): Promise<number[] | null> {
  if (blobs.length === 0) return []
  const input = blobs.map((blob) => `${blob}\n`).join('')
  const { code, out } = await git(['cat-file', '--batch-check=%(objectsize)'], { input })
  const sizes = out.trim().split('\n').map(Number)
  const isWhole = code === 0 && sizes.length === blobs.length && !sizes.some(Number.isNaN)
  return isWhole ? sizes : null
}

/** Reads what `git cat-file --batch` prints: `OBJECT blob SIZE`, a line end, the contents, a line end. */
function openBatch(begin: (index: number, bytes: number) => Taker) {
  let head = Buffer.alloc(0)
  let taker: Taker | null = null
  let left = 0
  let done = 0

  function takeHead(bytes: Buffer): Buffer | null {
    const end = bytes.indexOf('\n')
    head = Buffer.concat([head, end < 0 ? bytes : bytes.subarray(0, end)])
    if (end < 0) return null
    const line = head.toString('latin1')
    head = Buffer.alloc(0)
    // Empty: the line end behind the contents before.
    if (line !== '') {
      const [, size] = /^[0-9a-f]+ blob (\d+)$/.exec(line) ?? []
      // `missing`: nothing that follows can be trusted to be where it is expected.
      if (size === undefined) return null
      left = Number(size)
      taker = begin(done, left)
    }
    return bytes.subarray(end + 1)
  }

  function takeContents(bytes: Buffer, into: Taker): Buffer {
    const piece = bytes.subarray(0, left)
    if (piece.length > 0) into.piece(piece)
    left -= piece.length
    return bytes.subarray(piece.length)
  }

  return {
    take(chunk: Buffer) {
      for (let rest: Buffer | null = chunk; rest !== null && rest.length > 0; ) {
        rest = taker === null ? takeHead(rest) : takeContents(rest, taker)
        if (taker === null || left > 0) continue
        taker.end()
        taker = null
        done += 1
      }
    },
    done: () => done,
  }
}
