import { join } from 'node:path'
import { projectOf } from '../control/unit.ts'
import { shellLine } from '../phrases.ts'
import { disk } from '../system/disk.ts'
import { readProc } from '../system/processes.ts'
import { isLingering, type Scope, unitFolder } from '../system/systemctl.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'
import { inTurn, rootLine, verbLine } from './line.ts'
import type { Patient } from './patient.ts'
import { mayAccess, readIfAllowed } from './place.ts'

/** The service that is for this project. */
export type Service = {
  readonly scope: Scope
  /** `ota-supervisor.service`. */
  readonly unit: string
  /** It is started at the boot; of a user's own service: when his systemd starts. */
  readonly isEnabled: boolean
  /** The daemon that runs here is the service's. */
  readonly hasDaemon: boolean
  /** The user's systemd starts at the boot, and not only when he logs in. */
  readonly lingers: boolean
}

/** Does the daemon come back after a reboot? Where systemd is not in charge, it does not say. */
export const service: Check<Patient> = {
  name: 'service',
  look: (patient) => (patient.hasSystemd ? [judgeService(findService(patient), patient)] : []),
}

/** `null`: there is no service for this project. */
export function judgeService(found: Service | null, patient: Patient): Finding {
  const check = 'service'
  const { daemons, daemonUser, paths } = patient
  if (found === null) {
    return warning(
      check,
      doctorWords.noService,
      verbLine(patient, 'service', 'install', '-C', paths.project),
    )
  }
  const { scope, unit, isEnabled, hasDaemon, lingers } = found
  const control = (...args: readonly string[]) =>
    scope === 'user'
      ? shellLine('systemctl', '--user', ...args)
      : rootLine(patient, ['systemctl', ...args])
  if (!isEnabled)
    return warning(check, doctorWords.notEnabled(unit), control('enable', '--now', unit))
  if (scope === 'user' && !lingers) {
    const fix = rootLine(patient, ['loginctl', 'enable-linger', daemonUser.name])
    return warning(check, doctorWords.notLingering(unit, daemonUser.name), fix)
  }
  if (hasDaemon) return ok(check, doctorWords.service(unit))
  if (daemons.length === 0) return warning(check, doctorWords.stopped(unit), control('start', unit))
  const kill = rootLine(patient, ['kill', ...daemons.map(String)], daemonUser.uid)
  return warning(check, doctorWords.byHand(unit), inTurn(kill, control('restart', unit)))
}

/** From files only: a question to systemd can take long, and for another user has no answer. */
export function findService({ paths, daemons, self, daemonUser }: Patient): Service | null {
  // `/system.slice/NAME.service`, or `/user.slice/…/user@1000.service/app.slice/NAME.service`.
  const groups = (readProc(daemons[0] ?? 0, 'cgroup') ?? '').trim().split('/')
  const lingers = isLingering(daemonUser.name)
  const scopes: readonly Scope[] = self.uid === daemonUser.uid ? ['system', 'user'] : ['system']
  for (const scope of scopes) {
    const folder = unitFolder(scope)
    // HOME may still be that of whoever has become this user.
    const names = mayAccess(folder, 5) ? disk.list(folder) : []
    const unit = names.find((name) => isFor(paths.project, join(folder, name)))
    if (unit === undefined) continue
    const isEnabled = names.some(
      (name) => name.endsWith('.wants') && disk.kind(join(folder, name, unit)) !== null,
    )
    return { scope, unit, isEnabled, hasDaemon: groups.includes(unit), lingers }
  }
  // Another user's own services lie where we do not look; that one runs is seen.
  const isUsers = groups.some((name) => /^user@\d+\.service$/.test(name))
  const unit = groups.at(-1)
  if (!isUsers || !unit?.endsWith('.service')) return null
  return { scope: 'user', unit, isEnabled: true, hasDaemon: true, lingers }
}

/** A unit that `service install` has written, or one by hand, after the example. */
function isFor(project: string, path: string): boolean {
  if (!path.endsWith('.service') || disk.kind(path) !== 'file') return false
  const text = readIfAllowed(path)
  const isOurs = /^ExecStart=.*(supervisor\.js|ota-supervisor)/m.test(text)
  const folder = /^WorkingDirectory=(.*)$/m.exec(text)?.[1]
  return projectOf(text) === project || (isOurs && folder === project)
}
