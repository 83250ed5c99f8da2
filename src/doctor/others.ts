import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'
import { rootLine } from './line.ts'
import { shownPath } from './opening.ts'
import type { Patient } from './patient.ts'
import { closedOn, type Way, waysTo } from './place.ts'
import type { User } from './user.ts'

/** May anybody else change what will be run? */
export const others: Check<Patient> = {
  name: 'others',
  look: (patient) => {
    const { project, deposit, main, own, logs } = patient.paths
    const folders = [project, ...(deposit === null ? [] : [deposit]), main, own, logs]
    return [judgeOthers(waysTo(folders, 2), patient)]
  },
}

/** Somebody who owns nothing and is in no group. */
const anybody: User = { uid: -1, name: 'anybody', groups: [] }

/** Whoever may write there may run code as the daemon's user. */
export function judgeOthers(ways: readonly Way[], patient: Patient): Finding {
  const open = ways.filter((way) => closedOn(way, anybody) === null).map(({ end }) => end)
  const [first] = open
  if (first === undefined) return ok(others.name, doctorWords.others)
  // Links may lead several of them to one folder, and the way to all of them begins in the project.
  const paths = new Set(open.map(({ path }) => path))
  const fix = rootLine(patient, ['chmod', 'o-w', ...paths], first.uid)
  return warning(others.name, doctorWords.othersWrite(shownPath(first, patient)), fix)
}
