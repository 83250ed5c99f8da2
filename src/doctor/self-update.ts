import { basename, dirname, join } from 'node:path'
import { type Install, openToOthers, ownInstall } from '../self/install.ts'
import { installFor } from '../self/set-up.ts'
import { readProc } from '../system/processes.ts'
import { unitFolder } from '../system/systemctl.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { rootLine, verbLine } from './line.ts'
import type { Patient } from './patient.ts'
import { readIfAllowed } from './place.ts'
import { findService } from './service.ts'

/** Where it is asked for: can ota-supervisor exchange its own versions? */
export const selfUpdate: Check<Patient> = {
  name: 'self-update',
  look(patient) {
    if (patient.config.selfUpdate.mode === 'off') return []
    const install = installIn(patient)
    return [judgeInstall(install, install && openToOthers(install), patient)]
  },
}

/** `open`: what others than the daemon's user could change of it; null: nothing. */
export function judgeInstall(
  install: Install | null,
  open: string | null,
  patient: Patient,
): Finding {
  const check = 'self-update'
  const { config, hasSystemd, paths } = patient
  if (install === null && config.selfUpdate.mode === 'notify')
    return ok(check, doctorWords.onlyTells)
  if (install === null) {
    const fix = verbLine(patient, 'service', 'install', '-C', paths.project)
    return warning(check, doctorWords.notExchanged, hasSystemd ? fix : undefined)
  }
  if (open === null) return ok(check, doctorWords.exchanges(install.dir))
  return error(check, doctorWords.openVersions(open), rootLine(patient, ['chmod', 'go-w', open]))
}

/** Of the daemon that runs, or of the service that would start it; null: it is not one that can be exchanged. */
function installIn(patient: Patient): Install | null {
  const [daemon] = patient.daemons
  if (daemon !== undefined) {
    const words = (readProc(daemon, 'cmdline') ?? '').split('\0')
    const script = words.find((word) => basename(word) === 'supervisor.js')
    return script === undefined ? null : ownInstall(dirname(dirname(script)))
  }
  const service = findService(patient)
  if (service === null) return null
  const text = readIfAllowed(join(unitFolder(service.scope), service.unit))
  const isLaunched = /^ExecStart=\/bin\/sh .*\/launch/m.test(text)
  return isLaunched ? installFor(service.scope, basename(service.unit, '.service')) : null
}
