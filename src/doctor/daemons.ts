import { readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Paths } from '../config.ts'
import { ask } from '../control/client.ts'
import { codeOf, noAnswer } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { holderIn } from '../system/lock.ts'
import { allPids, processOf, readProc } from '../system/processes.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok } from './finding.ts'
import { rootLine } from './line.ts'
import type { Patient } from './patient.ts'

/** Does one daemon run, or two? */
export const daemon: Check<Patient> = {
  name: 'daemon',
  look: async (patient) => [(await judgeAnswer(patient)) ?? judgeDaemons(patient)],
}

/** Null for a daemon that answers, and where it cannot be asked. */
async function judgeAnswer(patient: Patient): Promise<Finding | null> {
  const { daemons, daemonUser, paths, config } = patient
  const [first] = daemons
  if (first === undefined) return null
  try {
    // Sooner than the check itself is given up.
    await ask('history', paths, undefined, config.doctor.checkMs * 0.8)
    return null
  } catch (failure) {
    if (codeOf(failure) !== noAnswer) return null
    const fix = rootLine(patient, ['kill', '-9', `${first}`], daemonUser.uid)
    return error('daemon', doctorWords.daemonHangs(first), fix)
  }
}

/** None is fine too: it need not run. */
export function judgeDaemons(patient: Patient): Finding {
  const { daemons, daemonUser } = patient
  const [first, ...others] = daemons
  if (first === undefined) return ok('daemon', doctorWords.noDaemon)
  if (others.length === 0) return ok('daemon', doctorWords.daemon(first, daemonUser.name))
  const fix = rootLine(patient, ['kill', ...others.map(String)], daemonUser.uid)
  return error('daemon', doctorWords.daemons(daemons), fix)
}

/**
 * The daemons of a project, first the one that has noted its number. Each holds the project folder
 * open, for the lock; of another user's processes only root sees that.
 */
export function daemonsIn({ project, pid }: Paths): number[] {
  const noted = Number(holderIn(pid).pid)
  const folder = disk.realPath(project)
  const others = allPids().filter((one) => one !== noted && isSupervisor(one))
  const found = [
    ...(isSupervisor(noted) ? [noted] : []),
    ...others.filter((one) => isOpenIn(one, folder)),
  ]
  // A child that a daemon starts looks like it, with all that it has open, until its execve(2).
  return found.filter((one) => {
    const parent = processOf(one)?.parent
    return parent !== undefined && !found.includes(parent)
  })
}

/** True when a process is ota-supervisor, whatever it was asked to do; not this one itself. */
export function isSupervisor(pid: number): boolean {
  if (pid === process.pid) return false
  const words = (readProc(pid, 'cmdline') ?? '').split('\0')
  return words.some((word) => ['supervisor.js', 'ota-supervisor'].includes(basename(word)))
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
