import { statSync } from 'node:fs'
import { watch as chokidarWatch } from 'chokidar'
import { within } from '../../system/clock.ts'

/** Wakes the scan when something in the deposit moves. It may miss things: the scan decides. */
export type Watch = {
  /** Resolves at the next event, after `ms`, or when the signal aborts. */
  readonly woken: (ms: number, signal: AbortSignal) => Promise<void>
  /** False when the folder has been replaced by another of its name: such a watch is deaf. */
  readonly isAlive: () => boolean
  readonly close: () => Promise<void>
}

/**
 * Watches the folders of the deposit. Resolves when the watch is armed: what comes after it wakes.
 * Files are not watched one by one (each would cost a watch of the kernel's few); the event of their
 * folder is enough. `onError` is told of failures such as used up watches; the watch goes on.
 */
export async function openWatch(
  deposit: string,
  onError: (error: unknown) => void,
): Promise<Watch> {
  const inode = inodeOf(deposit)
  let wake: () => void = () => undefined
  let next = new Promise<void>((resolve) => {
    wake = resolve
  })
  const watcher = chokidarWatch(deposit, {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignored: (_path, stats) => stats !== undefined && !stats.isDirectory(),
  })
  watcher.on('all', () => wake())
  watcher.on('raw', () => wake())
  watcher.on('error', onError)
  await new Promise<void>((resolve) => watcher.once('ready', resolve))
  return {
    async woken(ms, signal) {
      await within(next, signal, ms)
      next = new Promise<void>((resolve) => {
        wake = resolve
      })
    },
    isAlive: () => inode !== null && inodeOf(deposit) === inode,
    close: () => watcher.close(),
  }
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null
}
