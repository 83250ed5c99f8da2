import { defaults, pathsOf } from '../../src/config.ts'
import type { Machine, Patient } from '../../src/doctor/patient.ts'
import type { User } from '../../src/doctor/user.ts'

/** Users of a machine that does not exist. */
export const users = {
  root: { uid: 0, name: 'root', groups: [0] },
  ota: { uid: 1001, name: 'ota', groups: [1001] },
  ftp: { uid: 1002, name: 'ftp', groups: [1002] },
  pi: { uid: 1000, name: 'pi', groups: [1000, 27] },
} as const satisfies Readonly<Record<string, User>>

/** A machine on which nothing is odd: Debian with systemd, and root asks. */
export function someMachine(odd: Partial<Machine> = {}): Machine {
  return { self: users.root, hasApt: true, hasSystemd: true, config: defaults, ...odd }
}

/** A project in /srv/ota of a user `ota`, who also uploads. */
export function somePatient(odd: Partial<Patient> = {}): Patient {
  return {
    ...someMachine(),
    paths: pathsOf('/srv/ota'),
    daemons: [],
    daemonUser: users.ota,
    uploader: users.ota,
    ...odd,
  }
}
