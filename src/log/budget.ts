import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { isExpected, messageOf } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { type LogFile, listLogs } from './folder.ts'

/** What the log files may take. */
export type Allowance = {
  /** Together, in bytes on the disk. */
  readonly bytes: number
  readonly files: number
  /** Bytes that are to become free, as long as `leastBytes` of files are left. */
  readonly missingBytes: number
  readonly leastBytes: number
  /** Bytes that must become free, whatever it takes: the disk is full. */
  readonly urgentBytes: number
}

/** Which of the files (oldest first) have to go: the oldest, until the others keep to it. */
export function surplus(files: readonly LogFile[], allowed: Allowance): LogFile[] {
  let bytes = files.reduce((sum, file) => sum + file.diskBytes, 0)
  let freed = 0
  const firstToStay = files.findIndex(({ diskBytes }, index) => {
    const mayGo = freed < allowed.missingBytes && bytes - diskBytes >= allowed.leastBytes
    const mustGo =
      bytes > allowed.bytes || files.length - index > allowed.files || freed < allowed.urgentBytes
    if (!mayGo && !mustGo) return true
    bytes -= diskBytes
    freed += diskBytes
    return false
  })
  return files.slice(0, firstToStay < 0 ? files.length : firstToStay)
}

/** What keeping the budget came to. */
export type Kept = {
  readonly deleted: readonly LogFile[]
  /** Free space is short still, and there is nothing left that may be deleted for it. */
  readonly isShort: boolean
  /** Why something could not be deleted, or null. */
  readonly trouble: string | null
}

/**
 * Deletes our oldest log files until the rest keeps to the limits and `current` may grow to its full
 * size; `current` itself stays. `urgentBytes` must become free whatever the system counts as free: it
 * has just refused to write. Never throws what the system says.
 */
export function keepBudget(
  dir: string,
  current: string,
  limits: Config['log'],
  known: Map<string, number>,
  urgentBytes = 0,
): Kept {
  try {
    const others = listLogs(dir, known).filter(({ name }) => name !== current)
    const missingBytes = missingOn(dir, limits)
    const allowed = {
      bytes: limits.maxTotalBytes - fullSize(limits),
      files: limits.maxNumber - 1,
      missingBytes,
      leastBytes: limits.minKeptBytes,
      urgentBytes,
    }
    const deleted = surplus(others, allowed)
    for (const { name } of deleted) {
      disk.unlink(join(dir, name))
      known.delete(name)
    }
    const freed = deleted.reduce((sum, { diskBytes }) => sum + diskBytes, 0)
    return { deleted, isShort: Math.max(missingBytes, urgentBytes) > freed, trouble: null }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { deleted: [], isShort: false, trouble: messageOf(error) }
  }
}

/** A file may have this many bytes: two of them must fit into the budget, or the old could never go. */
export function fullSize({ maxFileBytes, maxTotalBytes }: Config['log']): number {
  return Math.min(maxFileBytes, maxTotalBytes / 2)
}

/** The same while space is short. */
export function shortSize(limits: Config['log']): number {
  return Math.min(fullSize(limits), limits.minKeptBytes / 4)
}

/** How many bytes of the free space that is to be left are missing. */
function missingOn(dir: string, { minFreeBytes, minFreeShare }: Config['log']): number {
  const { bavail, blocks, bsize } = statfsSync(dir)
  return Math.max(0, Math.min(minFreeBytes, minFreeShare * blocks * bsize) - bavail * bsize)
}
