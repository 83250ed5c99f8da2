import { closeSync, fstatSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../errors.ts'
import { type LogFile, openLog } from './folder.ts'

/** Where reading begins: in the first of these files (oldest first), so many bytes from its start. */
export type Place = { readonly files: readonly LogFile[]; readonly at: number }

/** The place of the last `count` lines. It reads the files from their ends, and no more than it must. */
export function placeOfLast(dir: string, files: readonly LogFile[], count: number): Place {
  let missing = count
  for (const [index, file] of [...files.entries()].reverse()) {
    const found = lastLinesOf(join(dir, file.name), missing)
    if (found.lines === missing) return { files: files.slice(index), at: found.at }
    missing -= found.lines
  }
  return { files, at: 0 }
}

/** The place of the oldest file that was still written to at that time. */
export function placeSince(files: readonly LogFile[], since: Date): Place {
  const before = files.findLastIndex(({ writtenAt }) => writtenAt < since.getTime())
  return { files: files.slice(before + 1), at: 0 }
}

const blockBytes = 65_536
const newline = 0x0a

/** Where the last `count` lines of a file begin, or all of it; and how many they are. */
function lastLinesOf(path: string, count: number): { lines: number; at: number } {
  return withFile(path, { lines: 0, at: 0 }, (file) => {
    const size = fstatSync(file).size
    if (size === 0 || count === 0) return { lines: 0, at: size }
    const block = Buffer.alloc(blockBytes)
    let lines = 0
    // The last line's own end, if it has one, is no border between two.
    for (let end = size - 1; end > 0; ) {
      const start = Math.max(0, end - blockBytes)
      const read = readSync(file, block, 0, end - start, start)
      const found = lineStarts(block.subarray(0, read), count - lines)
      lines += found.lines
      if (lines === count) return { lines, at: start + found.at }
      end = start
    }
    return { lines: lines + 1, at: 0 }
  })
}

/** How many lines begin behind a line end in these bytes, `most` at most, and where the first of them does. */
function lineStarts(bytes: Buffer, most: number): { lines: number; at: number } {
  let lines = 0
  let end = bytes.length
  while (lines < most && end >= 0) {
    end = bytes.subarray(0, end).lastIndexOf(newline)
    if (end >= 0) lines += 1
  }
  return { lines, at: end + 1 }
}

function withFile<T>(path: string, otherwise: T, read: (file: number) => T): T {
  const file = openIfThere(path)
  if (file === null) return otherwise
  try {
    return read(file)
  } finally {
    closeSync(file)
  }
}

/** Opens a log file for reading; null when it has been deleted meanwhile. */
function openIfThere(path: string): number | null {
  try {
    return openLog(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Reads one file on and on. It is kept open, so that it can be read to its end when it is deleted. */
export type Reader = {
  /** The next lines, without their ends; null when there are none yet. */
  readonly lines: () => string[] | null
  /** What comes behind the last line end, once nothing more will come: a torn line, or `''`. */
  readonly torn: () => string
  readonly close: () => void
}

/** Opens a file for reading from a place on; null when it has been deleted meanwhile. */
export function openReader(path: string, from: number): Reader | null {
  const file = openIfThere(path)
  if (file === null) return null
  let at = from
  let held: Buffer = Buffer.alloc(0)
  const block = Buffer.alloc(blockBytes)
  return {
    lines() {
      if (fstatSync(file).size < at) {
        // Emptied under us.
        at = 0
        held = Buffer.alloc(0)
      }
      for (;;) {
        const read = readSync(file, block, 0, blockBytes, at)
        if (read === 0) return null
        at += read
        const bytes = Buffer.concat([held, block.subarray(0, read)])
        const end = bytes.lastIndexOf(newline)
        held = bytes.subarray(end + 1)
        if (end >= 0) return bytes.toString('utf8', 0, end).split('\n')
      }
    },
    torn: () => held.toString('utf8'),
    close: () => closeSync(file),
  }
}
