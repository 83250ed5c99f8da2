import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isExpected } from '../errors.ts'
import type { Clock } from '../model.ts'
import { type LogFile, listLogs } from './folder.ts'
import { openReader, type Place, type Reader } from './read.ts'

/** How a log is followed: it is looked this often for what has come. */
export type Following = { readonly clock: Clock; readonly pollMs: number }

/** The log files that something is in, oldest first. One that has just been made cannot be placed yet. */
export function begunLogs(dir: string): LogFile[] {
  return listLogs(dir).filter(({ bytes }) => bytes > 0)
}

/**
 * The lines from a place on, some at a time: to the end of the newest of the files, or, when following,
 * until the signal aborts, into each file that appears later, whether it continues a session or begins
 * one. `found` are all files there were. What is deleted meanwhile is passed over, but the file that
 * is being read is read to its end.
 */
export async function* readLogs(
  dir: string,
  found: readonly LogFile[],
  { files, at }: Place,
  following: Following | null,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const seen = new Set(found.map(({ name }) => name))
  const queue = [...files]
  let from = at

  /** True when nothing more comes into the file that is being read. */
  async function isOver(): Promise<boolean> {
    if (queue.length > 0 || following === null) return true
    queue.push(...appearedIn(dir, seen))
    // Something may have come into the old file just before the new one was begun: that is read first.
    if (queue.length === 0) await following.clock.sleep(following.pollMs, signal)
    return false
  }

  do {
    const next = queue.shift()
    const reader = next === undefined ? null : openReader(join(dir, next.name), from)
    if (next !== undefined) from = 0
    if (reader !== null) yield* readOn(reader, isOver, signal)
  } while (!signal.aborted && (queue.length > 0 || !(await isOver())))
}

/** One file to its end. */
async function* readOn(
  reader: Reader,
  isOver: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  try {
    do {
      for (let lines = reader.lines(); lines !== null; lines = reader.lines()) {
        yield lines
        // However much there is, a Ctrl-C must be heard.
        await nextTurn()
        if (signal.aborted) return
      }
    } while (!(await isOver()) && !signal.aborted)
    const torn = reader.torn()
    if (torn !== '' && !signal.aborted) yield [torn]
  } finally {
    reader.close()
  }
}

/** The files that have appeared. Not "newer" ones: what appears is what comes next, whatever a clock says. */
function appearedIn(dir: string, seen: Set<string>): LogFile[] {
  try {
    const files = begunLogs(dir).filter(({ name }) => !seen.has(name))
    for (const { name } of files) seen.add(name)
    return files
  } catch (error) {
    // The folder is gone, or a file in it; it is looked again soon.
    if (!isExpected(error)) throw error
    return []
  }
}
