import { watch } from 'node:fs'
import { codeOf, isExpected } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, unknown, warning } from './finding.ts'
import { appendLine, inTurn, rootLine } from './line.ts'
import type { Machine, Patient } from './patient.ts'

/** What is allowed for each user, and what came of trying; null: it cannot be tried for this user. */
export type Inotify = {
  readonly watches: number
  readonly instances: number
  readonly tried: 'ok' | 'ENOSPC' | 'EMFILE' | null
}

/** Can the daemon be told by the kernel when something comes? Without it, it looks every few seconds. */
export const inotify: Check<Patient> = {
  name: 'inotify',
  async look(patient) {
    const [watches, instances] = await Promise.all(
      ['max_user_watches', 'max_user_instances'].map((name) =>
        disk.readText(`/proc/sys/fs/inotify/${name}`),
      ),
    )
    if (!watches || !instances) return [unknown('inotify', doctorWords.noInotify)]
    const tried =
      patient.self.uid === patient.daemonUser.uid ? tryWatch(patient.paths.project) : null
    const found = { watches: Number(watches), instances: Number(instances), tried }
    return [judgeInotify(found, patient)]
  },
}

/** `tried` says more than the limits: other programs of the user need watches too. */
export function judgeInotify(found: Inotify, machine: Machine): Finding {
  const { watches } = machine.config.doctor
  if (found.tried === 'EMFILE') {
    const fix = raise('max_user_instances', Math.max(512, 2 * found.instances), machine)
    return warning('inotify', doctorWords.inotifyInstances(found.instances), fix)
  }
  if (found.tried === 'ENOSPC' || found.watches < watches) {
    const fix = raise('max_user_watches', Math.max(65_536, 2 * found.watches), machine)
    const text =
      found.tried === 'ENOSPC'
        ? doctorWords.inotifyUsedUp(found.watches)
        : doctorWords.inotifyFew(found.watches)
    return warning('inotify', text, fix)
  }
  return ok('inotify', doctorWords.inotify(found.watches))
}

/** Now, and after every boot. */
function raise(name: string, value: number, machine: Machine): string {
  const file = '/etc/sysctl.d/60-inotify.conf'
  return inTurn(
    appendLine(machine, `fs.inotify.${name}=${value}`, file),
    rootLine(machine, ['sysctl', '-p', file]),
  )
}

/** A watch changes nothing on the disk. */
function tryWatch(folder: string): 'ok' | 'ENOSPC' | 'EMFILE' | null {
  try {
    watch(folder, { persistent: false }).close()
    return 'ok'
  } catch (error) {
    if (!isExpected(error)) throw error
    const code = codeOf(error)
    return code === 'ENOSPC' || code === 'EMFILE' ? code : null
  }
}
