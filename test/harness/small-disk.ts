import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { until } from './processes.ts'

/** Why no small disk can be had here, or false. For the `skip` of a test. */
export function noSmallDisk(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: it mounts a small tmpfs'
  const dir = mkdtempSync(join(tmpdir(), 'ota-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'pipe' })
    execFileSync('umount', [dir])
    return false
  } catch {
    return 'needs the right to mount a tmpfs: this machine (a container?) refuses it'
  } finally {
    rmdirSync(dir)
  }
}

/**
 * Mounts a tmpfs with these options (`size=8m`) on a folder, which is made, and unmounts it after the
 * test. Without a folder it makes one.
 */
export function mountSmallDisk(t: TestContext, options: string, at?: string): string {
  const dir = at ?? mkdtempSync(join(tmpdir(), 'ota-disk-'))
  mkdirSync(dir, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir])
  afterwards(t, async () => {
    // The helpers of a daemon that was killed end a moment after it.
    await until(`nobody is on ${dir}`, () => isUnmounted(dir))
    rmdirSync(dir)
  })
  return dir
}

/** Unmounts a folder; false when somebody is on it. */
export function isUnmounted(dir: string): boolean {
  try {
    execFileSync('umount', [dir], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

/** Gives a small disk another size. */
export function resizeDisk(dir: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, dir])
}

/** Fills a disk to the last byte with one file; the answer removes it. `spare` bytes are left. */
export function fillDisk(dir: string, spare = 0): () => void {
  const path = join(dir, 'filler')
  const ballast = join(dir, 'spare')
  if (spare > 0) writeUntilFull(ballast, spare)
  writeUntilFull(path, Number.POSITIVE_INFINITY)
  if (spare > 0) unlinkSync(ballast)
  return () => unlinkSync(path)
}

function writeUntilFull(path: string, bytes: number): void {
  const file = openSync(path, 'a')
  const block = Buffer.alloc(65_536, 'f')
  let left = bytes
  let size = block.length
  while (left > 0 && size >= 1) {
    try {
      left -= writeSync(file, block, 0, Math.min(size, left))
    } catch {
      size = Math.floor(size / 16)
    }
  }
  closeSync(file)
}

/** Uses up all inodes of a disk but `spare`; the answer frees them. */
export function useUpInodes(dir: string, spare: number): () => void {
  const names: string[] = []
  try {
    for (;;) {
      const path = join(dir, `inode-${names.length}`)
      closeSync(openSync(path, 'wx'))
      names.push(path)
    }
  } catch {
    // None are left.
  }
  for (const path of names.splice(names.length - spare)) unlinkSync(path)
  return () => {
    for (const path of names) unlinkSync(path)
  }
}
