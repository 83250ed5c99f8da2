import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../errors.ts'
import { foreignRead } from '../system/foreign-file.ts'
import { parseLine } from './format.ts'
import { sessionMarkedBy } from './marks.ts'
import { type LogName, parseLogName } from './names.ts'

/** One of our files in the folder of the logs. */
export type LogFile = LogName & {
  readonly name: string
  /** The number of its session, which its first line tells; 0 when it tells none. */
  readonly session: number
  readonly bytes: number
  /** What it takes on the disk: a small file takes a whole block. */
  readonly diskBytes: number
  /** When it was last written to, by the wall clock: Unix time in milliseconds. */
  readonly writtenAt: number
}

/**
 * Our files in the folder, oldest first. Anything else in it is not ours: other names, folders, links.
 * None when there is no such folder. Throws what the system says when it cannot be read. `known` keeps
 * the sessions' numbers by file name, so that who looks often reads each first line once.
 */
export function listLogs(dir: string, known = new Map<string, number>()): LogFile[] {
  return namesIn(dir)
    .flatMap((name) => {
      const parsed = parseLogName(name)
      const stat = lstatSync(join(dir, name), { throwIfNoEntry: false })
      if (parsed === null || stat?.isFile() !== true) return []
      const session = known.get(name) ?? sessionIn(join(dir, name))
      if (session > 0) known.set(name, session)
      const diskBytes = Math.max(stat.size, stat.blocks * 512)
      return { ...parsed, name, session, bytes: stat.size, diskBytes, writtenAt: stat.mtimeMs }
    })
    .sort(byAge)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/**
 * By the session's number, which each session takes from the files it finds. A Pi has no battery for its
 * clock: it wakes in the past, so neither the time in a name nor the file's own time can be trusted to
 * grow from one session to the next. Both are the second opinion only, for files without a number.
 */
function byAge(one: LogFile, other: LogFile): number {
  return (
    one.session - other.session ||
    (one.session === 0 ? one.writtenAt - other.writtenAt : 0) ||
    one.at.getTime() - other.at.getTime() ||
    one.again - other.again ||
    one.part - other.part
  )
}

function sessionIn(path: string): number {
  const line = parseLine(headOf(path))
  return line?.who === 'supervisor' ? sessionMarkedBy(line.text) : 0
}

/** The first line of a file, or what there is of it. */
function headOf(path: string): string {
  const head = readAt(path, (size) => ({ from: 0, to: Math.min(size, maxHeadBytes) }))
  return head.split('\n', 1)[0] ?? ''
}

/** The last line of one of the files in the folder; `''` when there is none. */
export function lastLineOf(dir: string, { name }: LogFile): string {
  const tail = readAt(join(dir, name), (size) => ({ from: size - maxHeadBytes, to: size }))
  return tail.trimEnd().split('\n').at(-1) ?? ''
}

/** A line of the supervisor's with a path in it is not longer. */
const maxHeadBytes = 8_192

/** A part of a file as text. One that cannot be read is like an empty one. */
function readAt(path: string, which: (size: number) => { from: number; to: number }): string {
  try {
    const file = openLog(path)
    try {
      const { from, to } = which(fstatSync(file).size)
      const start = Math.max(0, from)
      const buffer = Buffer.alloc(to - start)
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, start))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (codeOf(error) === '') throw error
    return ''
  }
}

/** Opens a log file for reading; links are not followed, and a pipe in its place holds nobody up. */
export function openLog(path: string): number {
  return openSync(path, foreignRead)
}
