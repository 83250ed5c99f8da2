import { relative } from 'node:path'
import { disk } from '../system/disk.ts'
import { isWithin } from '../system/within.ts'
import { inTurn, rootLine } from './line.ts'
import type { Patient } from './patient.ts'
import type { Bits, Closed, Place } from './place.ts'
import type { User } from './user.ts'

/**
 * The line that opens a place to the daemon's user or the uploader. The deposit belongs to who uploads,
 * and its group is the daemon's; all else in the project belongs to the daemon's user.
 */
export function opening({ place, needs }: Closed, user: User, patient: Patient): string {
  const { paths, daemonUser, uploader } = patient
  const { path } = place
  const isInProject = isWithin(path, disk.realPath(paths.project))
  if (!isInProject && needs & 2) {
    // It is the project itself that is not there yet: nothing else is made outside of it.
    const owner = ['-o', daemonUser.name, '-g', groupOf(daemonUser)]
    return rootLine(patient, ['install', '-d', ...owner, paths.project])
  }
  if (!isInProject || place.uid === user.uid) return letIn({ place, needs }, user, patient)
  const { deposit } = paths
  const isDeposit = deposit !== null && path === disk.realPath(deposit)
  if (!isDeposit || uploader.uid === daemonUser.uid) {
    return giveTo(daemonUser, path, patient)
  }
  return inTurn(
    rootLine(patient, ['chown', `${uploader.uid}:${groupOf(daemonUser)}`, path]),
    rootLine(patient, ['chmod', 'u+rwx,g+rwxs', path]),
  )
}

/** The line that lets a user do what he needs with a place that stays whose it is. */
export function letIn({ place, needs }: Closed, user: User, patient: Patient): string {
  const { path, uid, gid } = place
  const who = uid === user.uid ? 'u' : user.groups.includes(gid) ? 'g' : 'o'
  return rootLine(patient, ['chmod', `${who}+${letters(needs)}`, path], uid)
}

/** The line that gives a place, with all that is in it, to a user. */
export function giveTo(user: User, path: string, patient: Patient): string {
  return rootLine(patient, ['chown', '-R', `${user.name}:${groupOf(user)}`, path])
}

/** The number of the user's own group. */
export function groupOf({ uid, groups }: User): string {
  return `${groups[0] ?? uid}`
}

/** A place as people know it: inside the project relative to it. */
export function shownPath({ path }: Place, { paths }: Patient): string {
  const project = disk.realPath(paths.project)
  return path !== project && isWithin(path, project) ? relative(project, path) : path
}

function letters(needs: Bits): string {
  return `${needs & 4 ? 'r' : ''}${needs & 2 ? 'w' : ''}${needs & 1 ? 'x' : ''}`
}
