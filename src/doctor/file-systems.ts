import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { shellLine } from '../phrases.ts'
import { findCommand } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { isWithin } from '../system/within.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { inTurn, rootLine } from './line.ts'
import { type Mount, mountOf, readMounts, realPlace } from './mounts.ts'
import type { Machine, Patient } from './patient.ts'

/** No owners, no permissions, and after a power cut not even whole folders. */
const foreign = ['vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'fuseblk', 'hfsplus']
const network = ['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'ceph', 'fuse.sshfs']
const inMemory = ['tmpfs', 'ramfs']

/** One of the project's folders and what it lies on. */
export type Ground = {
  /** As people are told of it: `main/`. */
  readonly name: 'main/' | 'deposit/' | 'logs/'
  readonly mount: Mount
  /** What ext4 has counted since its last check; null: another file system. */
  readonly errors: number | null
  /** The device file, for its check; `mount.source` may be `/dev/root`. */
  readonly device: string
}

/** Are the disks fit for what is promised, and healthy? */
export const fileSystems: Check<Patient> = {
  name: 'file-system',
  async look(patient) {
    const mounts = readMounts()
    const { paths } = patient
    const grounds = (['main', 'deposit', 'logs'] as const).flatMap((name): Ground[] => {
      const path = paths[name]
      return path === null ? [] : [groundOf(`${name}/`, path, mounts)]
    })
    const waysOut = {
      move: moveTo(patient, mountOf('/srv', mounts)?.kind ?? ''),
      overlayOff: await overlayOff(patient),
    }
    return [
      ...judgeKinds(grounds, waysOut),
      ...judgeHealth(grounds, patient),
      ...judgePlaces(patient, mounts),
    ]
  },
}

/** The lines that mend it, where there are some: to another disk; and to do without the overlay. */
export type WaysOut = {
  readonly move: string | undefined
  readonly overlayOff: string | undefined
}

/** Are they of a kind that keeps what is promised? Of main and deposit on one disk only main is told. */
export function judgeKinds(grounds: readonly Ground[], waysOut: WaysOut): Finding[] {
  const main = grounds.find(({ name }) => name === 'main/')
  const bad = grounds
    // Logs may lie anywhere; some put them into memory to spare the card.
    .filter(
      ({ name, mount }) => name === 'main/' || (name === 'deposit/' && mount.at !== main?.mount.at),
    )
    .flatMap((ground) => judgeKind(ground, waysOut))
  const kinds = [...new Set(grounds.map(({ mount }) => mount.kind))]
  return bad.length > 0 ? bad : [ok('file-system', doctorWords.disks(kinds))]
}

function judgeKind({ name, mount: { kind } }: Ground, { move, overlayOff }: WaysOut): Finding[] {
  const check = 'file-system'
  if (foreign.includes(kind)) {
    const finding = name === 'main/' ? error : warning
    return [finding(check, doctorWords.foreignDisk(name, kind), move)]
  }
  if (network.includes(kind)) return [warning(check, doctorWords.networkDisk(name, kind), move)]
  if (inMemory.includes(kind)) return [warning(check, doctorWords.memoryDisk(name, kind), move)]
  return kind === 'overlay' ? [warning(check, doctorWords.overlay(name), overlayOff)] : []
}

/** To /srv, where its kind of file system is any better. */
function moveTo(patient: Patient, kind: string): string | undefined {
  if ([...foreign, ...network, ...inMemory, 'overlay', ''].includes(kind)) return undefined
  const { project } = patient.paths
  return inTurn(
    rootLine(patient, ['cp', '-a', project, '/srv/']),
    shellLine('cd', `/srv/${basename(project)}`),
  )
}

/** Raspberry Pi OS keeps all changes in memory when its "overlay file system" is on. */
async function overlayOff(machine: Machine): Promise<string | undefined> {
  if ((await findCommand('raspi-config')) === null) return undefined
  return inTurn(
    rootLine(machine, ['raspi-config', 'nonint', 'disable_overlayfs']),
    rootLine(machine, ['reboot']),
  )
}

/** Do they work: not turned read-only, no errors counted? */
export function judgeHealth(grounds: readonly Ground[], machine: Machine): Finding[] {
  const check = 'disk-health'
  const disks = new Map(grounds.map((ground) => [ground.mount.at, ground]))
  const sick = [...disks.values()].flatMap(({ mount, errors, device }): Finding[] => {
    const on = grounds.filter((other) => other.mount.at === mount.at).map(({ name }) => name)
    const hasErrors = errors !== null && errors > 0
    const fix = hasErrors
      ? repair(mount, device, machine)
      : rootLine(machine, ['mount', '-o', 'remount,rw', mount.at])
    // Newer kernels do not turn a disk with errors into a read-only one, but say so in this way.
    const isReadOnly = mount.options.some((option) => ['ro', 'emergency_ro'].includes(option))
    if (isReadOnly) return [error(check, doctorWords.readOnly(on), fix)]
    return hasErrors ? [warning(check, doctorWords.diskErrors(on, errors), fix)] : []
  })
  return sick.length > 0 ? sick : [ok(check, doctorWords.healthy)]
}

/** The root disk is checked at a boot when it knows of errors; others by hand. */
function repair({ at }: Mount, device: string, machine: Machine): string {
  if (at === '/') return rootLine(machine, ['reboot'])
  const mend = ['fsck', '-y', device]
  const mountAgain = ['mount', device, at]
  // Never a check of what is still mounted. fsck ends with 1 when it has mended something.
  return inTurn(
    rootLine(machine, ['umount', at]),
    `{ ${rootLine(machine, mend)}; ${rootLine(machine, mountAgain)}; }`,
  )
}

function judgePlaces({ paths }: Patient, mounts: readonly Mount[]): Finding[] {
  const check = 'same-disk'
  const device = (path: string) => statSync(realPlace(path)).dev
  const findings: Finding[] = []
  const { deposit } = paths
  if (deposit !== null && disk.kind(deposit) === 'symlink') {
    const fix = inTurn(shellLine('rm', deposit), shellLine('mkdir', deposit))
    findings.push(error('deposit', doctorWords.depositLink, fix))
  }
  const isOther = deposit !== null && device(deposit) !== device(paths.main)
  if (dirname(paths.releases) !== paths.own) findings.push(ok(check, doctorWords.stateInMain))
  if (isOther) findings.push(ok(check, doctorWords.otherDisk))
  if (deposit !== null && findings.length === 0) findings.push(ok(check, doctorWords.sameDisk))
  const main = realPlace(paths.main)
  for (const { at } of mounts.filter(({ at }) => at !== main && isWithin(at, main))) {
    findings.push(ok('mount-in-main', doctorWords.mountInMain(at.slice(main.length + 1))))
  }
  return findings
}

function groundOf(name: Ground['name'], path: string, mounts: readonly Mount[]): Ground {
  const mount = mountOf(realPlace(path), mounts)
  if (mount === undefined) throw new Error(`no mount for ${path}`)
  const device = deviceName(mount)
  return {
    name,
    mount,
    errors: mount.kind === 'ext4' ? countedErrors(device) : null,
    device: `/dev/${device}`,
  }
}

/** `mmcblk0p2` of `179:2`. */
function deviceName(mount: Mount): string {
  try {
    return basename(realpathSync(`/sys/dev/block/${mount.device}`))
  } catch {
    // btrfs and the like have numbers of their own.
    return basename(mount.source)
  }
}

function countedErrors(device: string): number | null {
  try {
    return Number(readFileSync(`/sys/fs/ext4/${device}/errors_count`, 'utf8'))
  } catch {
    // Mounted in another way than we think, or a kernel without it.
    return null
  }
}
