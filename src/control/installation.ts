import { dirname, join } from 'node:path'
import { OperationalError } from '../errors.ts'
import { disk } from '../system/disk.ts'
import { lastLines, logLine, type Scope, systemctl, unitFolder } from '../system/systemctl.ts'
import { serviceWords } from '../words-service.ts'
import { projectOf } from './unit.ts'

/** A service of systemd's, by its name; `unit` is that of its file, and `path` where it lies. */
export type Service = {
  readonly scope: Scope
  readonly unit: string
  readonly path: string
  /** The project directory it is for: absolute. */
  readonly project: string
}

/** The service of this name; whether it is installed is another question. */
export function serviceOf(scope: Scope, name: string, project: string): Service {
  const unit = `${name}.service`
  return { scope, unit, path: join(unitFolder(scope), unit), project }
}

/**
 * Writes the unit, has it started at every boot, and starts it; resolves when the daemon is ready.
 * Where all is as it should be already, and `isNew` does not say that another version is to be started, nothing is
 * restarted. True when the unit was written. Throws
 * an OperationalError when a unit of somebody else's is in the way, or systemd reports a failure.
 */
export async function install(
  service: Service,
  text: string,
  waitMs: number,
  isNew: boolean,
): Promise<boolean> {
  const isOther = (await ownUnit(service)) !== text
  // Nothing is written where nobody would read it.
  await demand(service, ['show', '--property=Version'], waitMs)
  if (isOther) {
    disk.makeDir(dirname(service.path))
    await disk.replaceText(service.path, text, true)
  }
  await demand(service, ['daemon-reload'], waitMs)
  await demand(service, ['enable', service.unit], waitMs)
  const active = await systemctl(service.scope, ['is-active', '--quiet', service.unit], waitMs)
  if (isOther || isNew || active.exitCode !== 0)
    await demand(service, ['restart', service.unit], waitMs)
  return isOther
}

/**
 * Stops the service and removes its unit; false when there was none. Throws an OperationalError when
 * the unit is somebody else's, or systemd reports a failure.
 */
export async function uninstall(service: Service, waitMs: number): Promise<boolean> {
  if ((await ownUnit(service)) === null) return false
  await demand(service, ['disable', '--now', service.unit], waitMs)
  disk.unlink(service.path)
  await demand(service, ['daemon-reload'], waitMs)
  // Else a unit that had failed would still be listed. That it has not is no failure.
  await systemctl(service.scope, ['reset-failed', service.unit], waitMs)
  return true
}

/** The unit as it is now, or null. One that is not ours, or of another directory, is left alone. */
async function ownUnit({ path, project }: Service): Promise<string | null> {
  const text = await disk.readText(path)
  if (text === null) return null
  const owner = projectOf(text)
  if (owner === project) return text
  throw owner === null
    ? new OperationalError(serviceWords.foreignUnit(path), {
        code: 'EEXIST',
        path,
        hint: serviceWords.foreignUnitHint(path),
      })
    : new OperationalError(serviceWords.otherUnit(path, owner), {
        code: 'EEXIST',
        path,
        hint: serviceWords.otherUnitHint,
      })
}

/** Has systemd do something; when it does not, the error shows how the service stands, and its log. */
async function demand(service: Service, args: readonly string[], waitMs: number): Promise<void> {
  const { scope, unit } = service
  const done = await systemctl(scope, args, waitMs)
  if (done.exitCode === 0) return
  const isStart = args.includes('restart')
  const said = [done.output, ...(isStart ? await evidence(service, waitMs) : [])]
  const isNoBus = scope === 'user' && /connect to bus/i.test(done.output)
  throw new OperationalError(serviceWords.serviceFailed(args.join(' '), said.join('\n')), {
    code: 'ESYSTEMD',
    hint: isNoBus
      ? serviceWords.noUserSystemd
      : serviceWords.serviceFailedHint(logLine(scope, unit)),
  })
}

/** What systemd and the daemon itself say; systemctl shows the log of a run that goes on only. */
async function evidence({ scope, unit }: Service, waitMs: number): Promise<string[]> {
  const status = await systemctl(scope, ['status', '--lines=0', unit], waitMs)
  const log = await lastLines(scope, unit, waitMs)
  return [status.output, log.output].filter((text) => text !== '')
}
