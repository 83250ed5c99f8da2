import {
  chmodSync,
  closeSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { chmod, copyFile, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, OperationalError } from '../errors.ts'
import { moveAcross } from './across.ts'
import { command } from './command.ts'
import { syncDir, syncSmallTree, writeDurably } from './durable.ts'
import { printOf } from './print.ts'

/** What a path is, never following a symbolic link. */
export type Kind = 'file' | 'dir' | 'symlink' | 'other'

/**
 * The only door to the file system for everything that must survive a power cut.
 *
 * Each verb under "changing" is one step that a cut can come before; a test runs the road with a
 * disk that dies at its n-th such step, for every n. `rename`, `makeDir`, `removeEmptyDir` and
 * `unlink` are synchronous: a swap of 10,000 files is 20,000 of them while the program is down, and
 * an await for each would cost more than the call itself.
 */
export const disk = {
  // --- looking ---

  /** True when both lead to the same file or folder, through links too; null when one is not found. */
  isSame(one: string, other: string): boolean | null {
    try {
      const [a, b] = [statSync(one), statSync(other)]
      return a.dev === b.dev && a.ino === b.ino
    } catch {
      return null
    }
  },

  /** When content, name or rights last changed (Unix time in ms); nobody can set that. Null: gone. */
  changedAt(path: string | Buffer): number | null {
    return statIfAny(path)?.ctimeMs ?? null
  },

  /** What is at the path, or null, also below a file. A link is a link, wherever it leads. */
  kind(path: string | Buffer): Kind | null {
    const stat = statIfAny(path)
    if (stat === null) return null
    if (stat.isFile()) return 'file'
    if (stat.isDirectory()) return 'dir'
    return stat.isSymbolicLink() ? 'symlink' : 'other'
  },

  /** The user to whom a file or folder belongs, by number; null: there is none. Links are followed. */
  ownerOf(path: string): number | null {
    return statSync(path, { throwIfNoEntry: false })?.uid ?? null
  },

  /** The path without links; of what is not there as it is. */
  realPath(path: string): string {
    try {
      return realpathSync(path)
    } catch {
      return path
    }
  },

  /** The names in a folder; none where there is no folder. */
  list(path: string): string[] {
    try {
      return readdirSync(path)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
      throw error
    }
  },

  /** The number of the file system a path is on; of its nearest existing parent if it is not there. */
  fileSystemOf(path: string): number {
    return statIfAny(path)?.dev ?? disk.fileSystemOf(dirname(path))
  },

  /** Bytes that may still be written to the file system of a path by this user. */
  freeBytes(path: string): number {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  },

  /** Bytes in a file; 0 when there is none. */
  sizeOf(path: string): number {
    return statIfAny(path)?.size ?? 0
  },

  /** The text of a file, or null when there is none. */
  async readText(path: string): Promise<string | null> {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
  },

  /** See `printOf`. */
  print: printOf,

  // --- changing: each verb is a step ---

  /** One rename(2). Replaces a file, or an empty folder, at the target. */
  rename(from: string, to: string): void {
    renameSync(from, to)
  },

  /** Makes a folder and its missing parents. */
  makeDir(path: string | Buffer): void {
    mkdirSync(path, { recursive: true })
  },

  /** Removes a folder if there is nothing in it; says whether it is gone. */
  removeEmptyDir(path: string | Buffer): boolean {
    try {
      rmdirSync(path)
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) return false
      throw error
    }
  },

  /** Has a symbolic link lead to a target, as it is written: to the old one or, from one rename on, this one. */
  pointTo(link: string, target: string): void {
    if (statIfAny(link)?.isSymbolicLink() && readlinkSync(link) === target) return
    const temporary = `${link}.new`
    disk.unlink(temporary)
    symlinkSync(target, temporary)
    renameSync(temporary, link)
  },

  /** Removes one file; it need not be there. */
  unlink(path: string | Buffer): void {
    try {
      unlinkSync(path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  },

  /** Makes an empty file where there is none. */
  touch(path: string): void {
    closeSync(openSync(path, 'a'))
  },

  /** Removes a folder with all that is in it, or a file; it need not be there. */
  async removeTree(path: string): Promise<void> {
    // Loaded here: it is thirty modules, and the short verbs remove nothing. The daemon has it from the start, for its log.
    const { remove } = await import('fs-extra/esm')
    await remove(path)
  },

  /** Moves one file, link or the like, also to another file system, as `moveAcross` does. */
  async move(from: Buffer, to: Buffer): Promise<void> {
    try {
      renameSync(from, to)
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error
      await moveAcross(from, to)
    }
  },

  /** Gives one file or folder to another user and group; a link itself, not what it leads to. */
  give(path: string, to: { readonly uid: number; readonly gid: number }): void {
    lchownSync(path, to.uid, to.gid)
  },

  /** Lets all users pass through a folder to what they know the name of. */
  letThrough(path: string): void {
    chmodSync(path, (statSync(path).mode & 0o7777) | 0o011)
  },

  /** Copies a file; not durable by itself. */
  async copy(from: string, to: string): Promise<void> {
    await copyFile(from, to)
  },

  /** Writes a file of `bytes` bytes that really occupies them: space kept for later. Not durable by itself. */
  async reserve(path: string, bytes: number): Promise<void> {
    await writeFile(path, Buffer.alloc(bytes, 0x2e))
  },

  /** Writes a JSON file; not durable by itself, and not whole before it is. */
  async writeDraft(path: string, value: unknown): Promise<void> {
    await writeFile(path, recordText(value), { mode: 0o600 })
  },

  /** Writes a JSON file so that after a power cut there is the old one or the new one, whole. */
  async writeRecord(path: string, value: unknown): Promise<void> {
    await disk.replaceText(path, recordText(value))
  },

  /**
   * Writes a text file so that after a power cut there is the old one or the new one, whole. It is
   * for this user alone, or for everybody to read.
   */
  async replaceText(path: string, text: string, isForAll = false): Promise<void> {
    const temporary = `${path}.new`
    await writeDurably(temporary, text)
    if (isForAll) await chmod(temporary, 0o644)
    await rename(temporary, path)
    await syncDir(dirname(path))
  },

  /** The same, durably. */
  async lead(link: string, target: string): Promise<void> {
    disk.pointTo(link, target)
    await syncDir(dirname(link))
  },

  /** Appends a text to a file, durably. */
  async append(path: string, text: string): Promise<void> {
    await writeDurably(path, text, 'a')
  },

  /**
   * Makes a folder and all below it durable: file by file where they are few, which writes nothing of
   * what others have written to the same card.
   */
  async syncTree(path: string): Promise<void> {
    if (!(await syncSmallTree(path))) await disk.syncAll(path)
  },

  /**
   * Makes all that was written to the path's file system durable. One syncfs(2) however many files
   * there are: an SD card takes hundreds of milliseconds for each single fsync.
   */
  async syncAll(path: string): Promise<void> {
    // A card takes minutes for a gigabyte that others have written, and nothing can end a syncfs(2).
    const done = await command('sync', ['-f', path], { timeoutMs: 0 })
    if (done.exitCode === 0) return
    throw new OperationalError(`could not make ${path} durable: ${done.output}`, {
      code: /no space left/i.test(done.output) ? 'ENOSPC' : 'EIO',
      path,
      hint: 'the card or disk may be failing; look at `dmesg`',
    })
  },
}

function recordText(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`
}

function statIfAny(path: string | Buffer): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return null
    throw error
  }
}

/** The type a test's dying disk must have too. */
export type Disk = typeof disk
