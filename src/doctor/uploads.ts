import { join } from 'node:path'
import { disk } from '../system/disk.ts'
import { allPids, processOf } from '../system/processes.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'
import { appendLine, inTurn, rootLine } from './line.ts'
import { readMounts } from './mounts.ts'
import type { Machine, Patient } from './patient.ts'
import { mayAccess, readIfAllowed } from './place.ts'

/**
 * How well will it be known that an upload is complete? The daemon tries it out at its start, with a
 * file in the deposit; here nothing is touched, so this is what follows from who is who.
 */
export const uploads: Check<Patient> = {
  name: 'uploads',
  look(patient) {
    const proc = readMounts().findLast(({ at }) => at === '/proc')
    const hidesProcesses = proc?.options.some((one) =>
      /^hidepid=(2|invisible|4|ptraceable)$/.test(one),
    )
    return [judgeUploads(patient, hidesProcesses ?? false)]
  },
}

/** Leases tell the owner of a file, and root, who is writing it: fcntl(2). */
export function judgeUploads(
  { daemonUser, uploader }: Pick<Patient, 'daemonUser' | 'uploader'>,
  hidesProcesses: boolean,
): Finding {
  const check = 'uploads'
  if (daemonUser.uid === 0 || daemonUser.uid === uploader.uid) return ok(check, doctorWords.exact)
  return warning(
    check,
    hidesProcesses ? doctorWords.byTimer(uploader.name) : doctorWords.byConnection(uploader.name),
  )
}

/** Do the upload servers tell what they could, and let anybody upload at all? */
export const servers: Check<Patient> = {
  name: 'servers',
  look: (patient) => [
    ...judgeSshd(readSshd(), readIfAllowed('/etc/group'), patient),
    ...judgeVsftpd(isRunning('vsftpd') ? readIfAllowed('/etc/vsftpd.conf') : '', patient),
  ],
}

/** `sshd` is its configuration, `groups` /etc/group. Without a log of SFTP there is nothing to say. */
export function judgeSshd(sshd: string, groups: string, patient: Patient): Finding[] {
  const check = 'sshd'
  const server = '(Subsystem\\s+sftp|ForceCommand\\s+internal-sftp)\\b'
  const logs = new RegExp(`^\\s*${server}.*\\s-l\\s*(INFO|VERBOSE|DEBUG)`, 'im').test(sshd)
  if (!logs) return []
  const readers = ['systemd-journal', 'adm', 'wheel'].flatMap((name) => groupNumber(name, groups))
  const { daemonUser } = patient
  if (daemonUser.uid === 0 || readers.some((gid) => daemonUser.groups.includes(gid))) {
    return [ok(check, doctorWords.cutOffKnown)]
  }
  const fix = rootLine(patient, ['usermod', '-aG', 'systemd-journal', daemonUser.name])
  return [warning(check, doctorWords.journalClosed(daemonUser.name), fix)]
}

/** `vsftpd` is its configuration; empty where it does not run or may not be read. */
export function judgeVsftpd(vsftpd: string, machine: Machine): Finding[] {
  const check = 'vsftpd'
  if (vsftpd === '') return []
  if (/^write_enable=YES\s*$/im.test(vsftpd)) return [ok(check, doctorWords.ftpWrites)]
  const fix = inTurn(
    appendLine(machine, 'write_enable=YES', '/etc/vsftpd.conf'),
    rootLine(machine, ['service', 'vsftpd', 'restart']),
  )
  return [warning(check, doctorWords.ftpReadOnly, fix)]
}

function groupNumber(name: string, groups: string): number[] {
  const gid = new RegExp(`^${name}:[^:]*:(\\d+):`, 'm').exec(groups)?.[1]
  return gid === undefined ? [] : [Number(gid)]
}

function readSshd(): string {
  const folder = '/etc/ssh/sshd_config.d'
  const parts = mayAccess(folder, 5) ? disk.list(folder) : []
  const files = [...parts.map((name) => join(folder, name)), '/etc/ssh/sshd_config']
  return files.map(readIfAllowed).join('\n')
}

function isRunning(name: string): boolean {
  return allPids().some((pid) => processOf(pid)?.name === name)
}
