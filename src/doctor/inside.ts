import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errors.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Finding, warning } from './finding.ts'
import { inTurn, rootLine } from './line.ts'
import { giveTo, groupOf, shownPath } from './opening.ts'
import type { Patient } from './patient.ts'
import { isOpen, kernelOpens, type Place, placeOf } from './place.ts'

/**
 * What is warned of when folders inside deposit or main are closed to the daemon's user: he cannot take
 * uploads out of the one, nor put them into the other. One for each of the two.
 */
export async function closedInside(patient: Patient): Promise<Finding[]> {
  const { paths, daemonUser: user } = patient
  const { deposit } = paths
  const open = (folder: string) =>
    inTurn(
      rootLine(patient, ['chgrp', '-R', groupOf(user), folder]),
      rootLine(patient, ['chmod', '-R', 'g+rwX', folder]),
    )
  return [
    ...(deposit === null ? [] : await closedBelow(deposit, open(deposit), patient)),
    ...(await closedBelow(paths.main, giveTo(user, paths.main, patient), patient)),
  ]
}

async function closedBelow(root: string, fix: string, patient: Patient): Promise<Finding[]> {
  const { daemonUser: user, self, config } = patient
  const folders = await foldersIn(root, config.doctor.maxFolders)
  const place = folders.find((folder) => !isOpen(folder, user, 3))
  if (place === undefined || (await kernelOpens({ place, needs: 3 }, user, self))) return []
  return [
    warning('daemon-rights', doctorWords.closed(user.name, 3, shownPath(place, patient)), fix),
  ]
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
