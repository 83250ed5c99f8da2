import { join } from 'node:path'
import { messageOf, OperationalError } from '../errors.ts'
import { findAccount } from '../program/identity.ts'
import { isWithin } from '../system/within.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok } from './finding.ts'
import { closedInside } from './inside.ts'
import { letIn, opening, shownPath } from './opening.ts'
import type { Patient } from './patient.ts'
import { type Closed, closedOn, kernelOpens, type Way, waysTo } from './place.ts'
import { editLine } from './settings.ts'
import { type User, userOf } from './user.ts'

/** May the daemon's user work in the project? */
export const daemonRights: Check<Patient> = {
  name: 'daemon-rights',
  async look(patient) {
    const { paths, daemonUser: user } = patient
    const { project, deposit, main, logs, own, run, pid, runRecord } = paths
    const { releases, rejected, journals, history } = paths
    const ways = [
      ...waysTo([project], 5),
      ...waysTo(deposit === null ? [] : [deposit], 7),
      ...waysTo([main, logs, own, run, releases, rejected, journals], 7),
      ...waysTo([pid, runRecord, history], 6),
    ]
    const closed = await closedTo(user, ways, this.name, opening, patient)
    const found = closed.length > 0 ? closed : await closedInside(patient)
    return found.length > 0 ? found : [ok(this.name, doctorWords.daemonRights(user.name))]
  },
}

/** May the program's own user, where the settings name one, read main? */
export const programRights: Check<Patient> = {
  name: 'program-rights',
  async look(patient) {
    const { paths, daemonUser, config } = patient
    const user = await programUser(patient)
    if (user === null) return []
    const fix = editLine(paths.project)
    if ('wrong' in user) return [error(this.name, user.wrong, fix)]
    if (daemonUser.uid !== 0 && daemonUser.uid !== user.uid) {
      return [error(this.name, doctorWords.onlyRootChanges(daemonUser.name, user.name), fix)]
    }
    const entry = join(paths.main, config.program.entry)
    const ways = [...waysTo([paths.main], 5), ...waysTo([entry], 4)]
    const closed = await closedTo(user, ways, this.name, letIn, patient)
    return closed.length > 0 ? closed : [ok(this.name, doctorWords.programRights(user.name))]
  },
}

/** May the user who uploads put files into the deposit? */
export const uploaderRights: Check<Patient> = {
  name: 'uploader-rights',
  async look(patient) {
    const { paths, daemonUser, uploader: user } = patient
    // The daemon's user must be able to do more.
    if (paths.deposit === null || user.uid === daemonUser.uid) return []
    const closed = await closedTo(user, waysTo([paths.deposit], 3), this.name, opening, patient)
    return closed.length > 0 ? closed : [ok(this.name, doctorWords.uploaderRights(user.name))]
  },
}

/** The places on these ways that say no to a user; none that lies in another of them. */
async function closedTo(
  user: User,
  ways: readonly Way[],
  check: string,
  mend: (closed: Closed, user: User, patient: Patient) => string,
  patient: Patient,
): Promise<Finding[]> {
  const closed: Closed[] = []
  for (const one of ways.map((way) => closedOn(way, user)).filter((found) => found !== null)) {
    if (closed.some(({ place }) => isWithin(one.place.path, place.path))) continue
    if ((await kernelOpens(one, user, patient.self)) !== true) closed.push(one)
  }
  return closed.map((one) => {
    const text = doctorWords.closed(user.name, one.needs, shownPath(one.place, patient))
    return error(check, text, mend(one, user, patient))
  })
}

/** Who the settings name; null: nobody, and the program runs as the daemon does. */
async function programUser({ config }: Patient): Promise<User | { readonly wrong: string } | null> {
  try {
    const account = await findAccount(config.program)
    if (account === null) return null
    const { name, groups } = await userOf(account.uid)
    return { uid: account.uid, name, groups: [account.gid, ...groups] }
  } catch (failure) {
    if (failure instanceof OperationalError) return { wrong: messageOf(failure) }
    throw failure
  }
}
