import {
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  write as writeToFile,
} from 'node:fs'
import { promisify } from 'node:util'
import { codeOf, OperationalError } from '../errors.ts'

/** One log file that is being written. */
export type Part = {
  /** Where it is, absolute. */
  readonly path: string
  /**
   * Writes as many of the lines as a file of `maxBytes` still takes, and says how many bytes they are; 0
   * when it is full. While there is nothing in it, it takes one line at least. Rejects with what the
   * system says when it takes none; a line is written whole or not at all.
   */
  readonly write: (lines: Buffer, maxBytes: number) => Promise<number>
  /** False when somebody has deleted, moved or replaced the file. */
  readonly isThere: () => boolean
  readonly close: () => void
}

const write = promisify(writeToFile)

/** Makes a log file, which begins with `head` (whole lines); null when there is one of that name. */
export function openPart(path: string, head: string): Part | null {
  const file = openIfFree(path)
  if (file === null) return null
  let unwritten = Buffer.from(head)
  /** Without the head. */
  let bytes = 0
  return {
    path,
    async write(lines, maxBytes) {
      while (unwritten.length > 0) {
        unwritten = unwritten.subarray(await writeWhole(file, unwritten))
      }
      const end = fitting(lines, maxBytes - bytes, bytes === 0)
      const written = end === 0 ? 0 : await writeWhole(file, lines.subarray(0, end))
      bytes += written
      return written
    },
    isThere() {
      const there = lstatSync(path, { throwIfNoEntry: false })
      const mine = fstatSync(file)
      return there?.ino === mine.ino && there.dev === mine.dev
    },
    close: () => closeSync(file),
  }
}

/** Opens a file that must not exist yet, for others of the group to read; null if it does. */
function openIfFree(path: string): number | null {
  try {
    return openSync(path, 'ax', 0o640)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return null
    throw error
  }
}

/** How many of the bytes go into so much room: whole lines, and if one must fit, then that. */
function fitting(lines: Buffer, room: number, mustFit: boolean): number {
  if (lines.length <= room) return lines.length
  const whole = room > 0 ? lines.lastIndexOf(newline, room - 1) + 1 : 0
  return whole === 0 && mustFit ? lines.indexOf(newline) + 1 : whole
}

const newline = 0x0a

/** Writes as many whole lines as the disk takes, and says how many bytes they are. */
async function writeWhole(file: number, lines: Buffer): Promise<number> {
  const { bytesWritten } = await write(file, lines)
  if (bytesWritten === lines.length) return bytesWritten
  // A full disk takes what fits. The line that it cuts is taken back: nobody may find half a line,
  // and the file can be ended here to make room.
  const whole = bytesWritten === 0 ? 0 : lines.lastIndexOf(newline, bytesWritten - 1) + 1
  ftruncateSync(file, fstatSync(file).size - (bytesWritten - whole))
  if (whole > 0) return whole
  throw new OperationalError('the disk is full', { code: 'ENOSPC' })
}
