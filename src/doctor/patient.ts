import { statSync } from 'node:fs'
import { type Config, type Paths, pathsOf } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { findCommand } from '../system/command.ts'
import { isSystemdHere } from '../system/systemctl.ts'
import { doctorWords } from '../words-doctor.ts'
import { daemonsIn } from './daemons.ts'
import { findUser, self, type User, userOf, userOfProcess } from './user.ts'

/** The machine, apart from any project. */
export type Machine = {
  /** Who runs `doctor`. */
  readonly self: User
  readonly hasApt: boolean
  /** True when systemd is in charge of this machine. */
  readonly hasSystemd: boolean
  readonly config: Config
}

/** A project on it. */
export type Patient = Machine & {
  readonly paths: Paths
  /** The daemons that run in it: none, one, or a mistake. */
  readonly daemons: readonly number[]
  /** Who the daemon runs as, or would. */
  readonly daemonUser: User
  /** Who puts files into the deposit. */
  readonly uploader: User
}

/** Users that were asked for by name or number; without them they are found. */
export type AskedUsers = { readonly as: string | undefined; readonly uploader: string | undefined }

/** What is known of the machine before anything is looked at. */
export async function meetMachine(config: Config): Promise<Machine> {
  return {
    self: await self(),
    hasApt: (await findCommand('apt-get')) !== null,
    hasSystemd: isSystemdHere(),
    config,
  }
}

/**
 * What is known of the project before anything is looked at. An asked user that does not exist is an
 * OperationalError (`ENOUSER`).
 */
export async function meetProject(
  machine: Machine,
  project: string,
  asked: AskedUsers,
): Promise<Patient> {
  const paths = pathsOf(project, machine.config.folders)
  const daemons = daemonsIn(paths)
  const daemonUser =
    asked.as === undefined
      ? await likelyUser(machine, daemons, project)
      : await existingUser(asked.as)
  const owner = paths.deposit === null ? null : ownerOf(paths.deposit)
  const uploader =
    asked.uploader !== undefined
      ? await existingUser(asked.uploader)
      : owner === null || owner === daemonUser.uid
        ? daemonUser
        : await userOf(owner)
  return { ...machine, paths, daemons, daemonUser, uploader }
}

/** Who the daemon runs as; where none runs, who would start it. Root would start it for the owner. */
async function likelyUser(
  { self }: Machine,
  [daemon]: readonly number[],
  project: string,
): Promise<User> {
  const running = daemon === undefined ? null : await userOfProcess(daemon)
  if (running !== null) return running
  const owner = ownerOf(project)
  return self.uid === 0 && owner !== null && owner !== 0 ? userOf(owner) : self
}

async function existingUser(name: string): Promise<User> {
  const found = /^\d+$/.test(name) ? await userOf(Number(name)) : await findUser(name)
  if (found !== null) return found
  throw new OperationalError(doctorWords.noUser(name), {
    code: 'ENOUSER',
    hint: 'see who there is: getent passwd',
  })
}

function ownerOf(path: string): number | null {
  try {
    return statSync(path).uid
  } catch {
    // Not there yet, or in a folder that is closed to this user.
    return null
  }
}
