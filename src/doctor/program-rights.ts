import { join } from 'node:path'
import { messageOf, OperationalError } from '../errors.ts'
import { findAccount } from '../program/identity.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok } from './finding.ts'
import { rootLine } from './line.ts'
import type { Patient } from './patient.ts'
import { closedOn, kernelOpens, wayTo } from './place.ts'
import { letters, shownPath } from './rights.ts'
import { editLine } from './settings.ts'
import { type User, userOf } from './user.ts'

/** May the program's own user, where the settings name one, read main? */
export const programRights: Check<Patient> = {
  name: 'program-rights',
  async look(patient) {
    const { user, group } = patient.config.program
    try {
      const account = await findAccount({ user, group })
      if (account === null) return []
      const { name, groups } = await userOf(account.uid)
      return [
        await judgeReading({ uid: account.uid, name, groups: [account.gid, ...groups] }, patient),
      ]
    } catch (failure) {
      if (!(failure instanceof OperationalError)) throw failure
      return [error(programRights.name, messageOf(failure), editLine(patient.paths.project))]
    }
  },
}

async function judgeReading(user: User, patient: Patient): Promise<Finding> {
  const check = programRights.name
  if (patient.daemonUser.uid !== 0 && patient.daemonUser.uid !== user.uid) {
    const text = doctorWords.onlyRootChanges(patient.daemonUser.name, user.name)
    return error(check, text, editLine(patient.paths.project))
  }
  const { main } = patient.paths
  const ways = [wayTo(main, 5), wayTo(join(main, patient.config.program.entry), 4)]
  for (const way of ways) {
    const closed = way === null ? null : closedOn(way, user)
    if (closed === null || (await kernelOpens(closed, user, patient.self)) === true) continue
    const { place, needs } = closed
    const who = user.groups.includes(place.gid) ? 'g' : 'o'
    const fix = rootLine(patient, ['chmod', `${who}+${letters(needs)}`, place.path], place.uid)
    return error(check, doctorWords.closed(user.name, needs, shownPath(place, patient)), fix)
  }
  return ok(check, doctorWords.programRights(user.name))
}
