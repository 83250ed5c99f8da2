import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { rootLine } from './line.ts'
import { mountOf, readMounts, realPlace } from './mounts.ts'
import type { Patient } from './patient.ts'
import { mayAccess } from './place.ts'

/** One file system that the project uses. */
export type Room = {
  /** The folders of the project on it: `main/`. */
  readonly holds: readonly string[]
  /** Where it is mounted, absolute. */
  readonly at: string
  readonly freeBytes: number
  /** null: it makes room for files as they come (btrfs). */
  readonly freeFiles: number | null
  /** Log files on it that may go, oldest first: all but the newest. Paths are absolute. */
  readonly oldLogs: readonly { readonly path: string; readonly bytes: number }[]
  /** What apt has downloaded and does not need any more. */
  readonly aptBytes: number
}

/** Is there space for uploads and logs? */
export const space: Check<Patient> = {
  name: 'space',
  look: (patient) => readRooms(patient).map((room) => judgeRoom(room, patient)),
}

/** Free space is judged before free files: where there is neither, space is what to make. */
export function judgeRoom(room: Room, patient: Patient): Finding {
  const { doctor, update } = patient.config
  const isFor = room.holds.join(', ')
  const show = (...what: string[]) =>
    `${rootLine(patient, ['du', ...what, '-xd2', room.at])} | sort -n | tail`
  if (room.freeBytes < doctor.lowBytes) {
    const finding = room.freeBytes < update.minFreeBytes ? error : warning
    const text = doctorWords.lowSpace(room.freeBytes, isFor)
    return finding('space', text, freeingLine(room, patient) ?? show('-k'))
  }
  if (room.freeFiles !== null && room.freeFiles < doctor.lowFiles) {
    const finding = room.freeFiles === 0 ? error : warning
    return finding('space', doctorWords.lowFiles(room.freeFiles, isFor), show('--inodes'))
  }
  return ok('space', doctorWords.space(room.freeBytes, isFor))
}

/** What may go without harm, if it is enough; otherwise only a person knows what may. */
function freeingLine(room: Room, patient: Patient): string | null {
  let missing = patient.config.doctor.lowBytes - room.freeBytes
  if (room.aptBytes >= missing) return rootLine(patient, ['apt', 'clean'])
  for (const { path, bytes } of room.oldLogs) {
    missing -= bytes
    if (missing > 0) continue
    const folder = path.slice(0, path.lastIndexOf('/'))
    const find = ['find', folder, '-name', 'logfile_*.log', '!', '-newer', path, '-delete']
    return rootLine(patient, find, patient.daemonUser.uid)
  }
  return null
}

function readRooms({ paths }: Patient): Room[] {
  const mounts = readMounts()
  const { main, deposit, logs } = paths
  const folders: Readonly<Record<string, string>> = {
    'main/': main,
    ...(deposit === null ? {} : { 'deposit/': deposit }),
    'logs/': logs,
  }
  const aptCache = '/var/cache/apt/archives'
  const devices = new Map<number, string[]>()
  for (const [name, path] of Object.entries(folders)) {
    const device = statSync(realPlace(path)).dev
    devices.set(device, [...(devices.get(device) ?? []), name])
  }
  return [...devices].map(([device, holds]) => {
    const path = realPlace(folders[holds[0] ?? ''] ?? main)
    const { bavail, bsize, ffree, files } = statfsSync(path)
    const isOn = (folder: string) => statSync(realPlace(folder)).dev === device
    return {
      holds,
      at: mountOf(path, mounts)?.at ?? path,
      freeBytes: bavail * bsize,
      freeFiles: files === 0 ? null : ffree,
      oldLogs: isOn(paths.logs) ? oldLogs(paths.logs) : [],
      aptBytes: isOn(aptCache) ? sum(filesIn(aptCache, /\.deb$/)) : 0,
    }
  })
}

function oldLogs(folder: string) {
  const logs = filesIn(folder, /^logfile_.*\.log$/)
  return logs.sort((a, b) => a.changed - b.changed).slice(0, -1)
}

function filesIn(folder: string, names: RegExp) {
  // Not there, or closed to this user: then he cannot delete anything in it either.
  if (!mayAccess(folder, 5)) return []
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .flatMap((name) => {
      const path = join(folder, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat === undefined ? [] : [{ path, bytes: stat.blocks * 512, changed: stat.mtimeMs }]
    })
}

function sum(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0)
}
