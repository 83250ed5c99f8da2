import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Paths } from '../config.ts'
import { allPids, readProc } from '../system/processes.ts'
import { realPath } from './mounts.ts'

/**
 * The daemons of a project, first the one that has noted its number. Each holds the project folder
 * open, for the lock; of another user's processes only root sees that.
 */
export function daemonsIn({ project, pid }: Paths): number[] {
  const noted = notedPid(pid)
  const folder = realPath(project)
  const found = allPids().filter((one) => one !== noted && isSupervisor(one))
  return [
    ...(noted !== null && isSupervisor(noted) ? [noted] : []),
    ...found.filter((one) => isOpenIn(one, folder)),
  ]
}

/** True when a process is ota-supervisor, whatever it was asked to do; not this one itself. */
export function isSupervisor(pid: number): boolean {
  if (pid === process.pid) return false
  const words = (readProc(pid, 'cmdline') ?? '').split('\0')
  return words.some((word) => ['supervisor.js', 'ota-supervisor'].includes(basename(word)))
}

function notedPid(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    // No daemon has been here, or its folder is closed to this user.
    return null
  }
}

function isOpenIn(pid: number, folder: string): boolean {
  const open = join('/proc', String(pid), 'fd')
  try {
    return readdirSync(open).some((name) => {
      const path = readlinkSync(join(open, name))
      // A folder that was removed and made again has another lock: two daemons think it is theirs.
      return path === folder || path === `${folder} (deleted)`
    })
  } catch {
    // It has ended, or is somebody else's.
    return false
  }
}
