import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { codeOf } from '../errors.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { both, rootLine } from './line.ts'
import { isWithin, realPath } from './mounts.ts'
import type { Patient } from './patient.ts'
import {
  type Closed,
  closedOn,
  isOpen,
  kernelOpens,
  type Place,
  placeOf,
  type Way,
  wayTo,
} from './place.ts'
import type { User } from './user.ts'

/** May the daemon's user work in the project? */
export const daemonRights: Check<Patient> = {
  name: 'daemon-rights',
  async look(patient) {
    const { project, deposit, main, logs, own, run, pid, runRecord } = patient.paths
    const { releases, rejected, journals, history } = patient.paths
    const folders = [deposit, main, logs, own, run, releases, rejected, journals]
    const files = [pid, runRecord, history]
    const ways = [
      wayTo(project, 5),
      ...folders.map((path) => wayTo(path, 7)),
      ...files.map((path) => wayTo(path, 6)),
    ]
    const user = patient.daemonUser
    const closed = await closedFor(
      user,
      ways.filter((way) => way !== null),
      patient,
    )
    const found = closed.map((one) =>
      error(
        'daemon-rights',
        doctorWords.closed(user.name, one.needs, shownPath(one.place, patient)),
        opening(one, user, patient),
      ),
    )
    if (found.length > 0) return found
    const inside = await closedInside(patient)
    return inside.length > 0 ? inside : [ok('daemon-rights', doctorWords.daemonRights(user.name))]
  },
}

/** May the user who uploads put files into the deposit? */
export const uploaderRights: Check<Patient> = {
  name: 'uploader-rights',
  async look(patient) {
    const user = patient.uploader
    // The daemon's user must be able to do more.
    if (user.uid === patient.daemonUser.uid) return []
    const way = wayTo(patient.paths.deposit, 3)
    if (way === null) return []
    const [closed] = await closedFor(user, [way], patient)
    if (closed === undefined) return [ok('uploader-rights', doctorWords.uploaderRights(user.name))]
    const text = doctorWords.closed(user.name, closed.needs, shownPath(closed.place, patient))
    return [error('uploader-rights', text, opening(closed, user, patient))]
  },
}

/** May anybody else change what will be run? */
export const closedToOthers: Check<Patient> = {
  name: 'others',
  look: (patient) => {
    const { project, deposit, main, own, logs } = patient.paths
    const ways = [project, deposit, main, own, logs].map((path) => wayTo(path, 2))
    return [
      judgeOthers(
        ways.filter((way) => way !== null),
        patient,
      ),
    ]
  },
}

/** Whoever may write there may run code as the daemon's user. */
export function judgeOthers(ways: readonly Way[], patient: Patient): Finding {
  const anybody: User = { uid: -1, name: '', groups: [] }
  const open = ways.filter((way) => closedOn(way, anybody) === null).map(({ end }) => end)
  const [first] = open
  if (first === undefined) return ok('others', doctorWords.others)
  const fix = rootLine(patient, ['chmod', 'o-w', ...open.map(({ path }) => path)], first.uid)
  return warning('others', doctorWords.othersWrite(shownPath(first, patient)), fix)
}

/** The places on these ways that say no to a user; none that lies in another of them. */
async function closedFor(user: User, ways: readonly Way[], patient: Patient): Promise<Closed[]> {
  const closed: Closed[] = []
  for (const one of ways.map((way) => closedOn(way, user)).filter((found) => found !== null)) {
    if (closed.some(({ place }) => isWithin(one.place.path, place.path))) continue
    if ((await kernelOpens(one, user, patient.self)) !== true) closed.push(one)
  }
  return closed
}

/**
 * The line that opens a place. The deposit belongs to who uploads, and its group is the daemon's; all
 * else in the project belongs to the daemon's user.
 */
export function opening({ place, needs }: Closed, user: User, patient: Patient): string {
  const { paths, daemonUser, uploader } = patient
  const { path } = place
  if (place.uid === user.uid)
    return rootLine(patient, ['chmod', `u+${letters(needs)}`, path], user.uid)
  if (!isWithin(path, realPath(paths.project))) {
    // Only the project itself is ever to be made in a folder that is not its own.
    if (needs & 2) {
      const owner = ['-o', daemonUser.name, '-g', groupOf(daemonUser)]
      return rootLine(patient, ['install', '-d', ...owner, paths.project])
    }
    const who = user.groups.includes(place.gid) ? 'g' : 'o'
    return rootLine(patient, ['chmod', `${who}+${letters(needs)}`, path], place.uid)
  }
  if (path !== realPath(paths.deposit) || uploader.uid === daemonUser.uid) {
    return rootLine(patient, ['chown', '-R', ownerOf(daemonUser), path])
  }
  return both(
    rootLine(patient, ['chown', `${uploader.uid}:${groupOf(daemonUser)}`, path]),
    rootLine(patient, ['chmod', 'u+rwx,g+rwxs', path]),
  )
}

/** Folders inside deposit and main that the daemon's user cannot take files out of, or put into. */
async function closedInside(patient: Patient): Promise<Finding[]> {
  const { paths, daemonUser, config } = patient
  const found: Finding[] = []
  for (const [name, root] of [
    ['deposit', paths.deposit],
    ['main', paths.main],
  ] as const) {
    const folders = await foldersIn(root, config.doctor.maxFolders)
    const closed = folders.find((place) => !isOpen(place, daemonUser, 3))
    if (closed === undefined) continue
    if ((await kernelOpens({ place: closed, needs: 3 }, daemonUser, patient.self)) === true)
      continue
    const fix =
      name === 'main'
        ? rootLine(patient, ['chown', '-R', ownerOf(daemonUser), root])
        : both(
            rootLine(patient, ['chgrp', '-R', groupOf(daemonUser), root]),
            rootLine(patient, ['chmod', '-R', 'g+rwX', root]),
          )
    const text = doctorWords.closed(daemonUser.name, 3, shownPath(closed, patient))
    found.push(warning('daemon-rights', text, fix))
  }
  return found
}

/** Folders below a folder, links not followed; those that this user can see, `most` of them. */
async function foldersIn(root: string, most: number): Promise<Place[]> {
  const found: Place[] = []
  const waiting = [root]
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    for (const entry of await entriesOf(folder)) {
      if (!entry.isDirectory()) continue
      if (found.length >= most) return found
      const path = join(folder, entry.name)
      found.push(placeOf(path, await stat(path)))
      waiting.push(path)
    }
  }
  return found
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (['EACCES', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}

function ownerOf(user: User): string {
  return `${user.name}:${groupOf(user)}`
}

function groupOf({ uid, groups }: User): string {
  return `${groups[0] ?? uid}`
}

/** `rx` for 5. */
export function letters(needs: number): string {
  return `${needs & 4 ? 'r' : ''}${needs & 2 ? 'w' : ''}${needs & 1 ? 'x' : ''}`
}

/** As people know it: inside the project relative to it. */
export function shownPath({ path }: Place, { paths }: Patient): string {
  const project = realPath(paths.project)
  return path !== project && isWithin(path, project) ? relative(project, path) : path
}
