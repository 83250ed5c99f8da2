import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { codeOf } from '../errors.ts'

/** One process as /proc/PID/stat shows it. */
export type Process = {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly name: string
  /** Clock ticks since boot at its start: with the pid it names a process for good (proc(5), field 22). */
  readonly startTime: number
}

/** The process with this number, or null if there is none or only its zombie. */
export function processOf(pid: number): Process | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The name is in parentheses and may itself hold spaces and parentheses: proc(5).
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  // A main thread that has ended shows as a zombie while other threads run on, or die of a SIGKILL: num_threads tells.
  const isZombie = fields[0] === 'Z' && Number(fields[17]) <= 1
  if (isZombie || fields[0] === 'X') return null
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    name: stat.slice(stat.indexOf('(') + 1, end),
    startTime: Number(fields[19]),
  }
}

/**
 * True while a process group has a living member. `kill(-group, 0)` alone does not tell: it also
 * succeeds for zombies. But when it fails there is nobody, and that answer is nearly free.
 */
export function isGroupAlive(group: number): boolean {
  return signal(-group, 0) && (processOf(group) !== null || membersOf(group).length > 0)
}

/** The living members of a process group. */
export function membersOf(group: number): Process[] {
  return allPids()
    .map(processOf)
    .filter((found) => found?.group === group)
    .filter((found) => found !== null)
}

/**
 * Looks for the living processes whose environment holds `NAME=value`: each call of the answer is a
 * new look. An environment goes down to every descendant, also those that left the group and the
 * session. The caller itself is never named.
 *
 * To read an environment waits for its process where that is busy, and there may be hundreds. So those
 * that were looked at before and carry another environment are known, and not read again: what is
 * tagged and comes later is a new process.
 */
export function searchTag(name: string, value: string): () => Process[] {
  const tag = `\0${name}=${value}\0`
  /** By number, with the inode of its folder in /proc: another process of that number has another. */
  const strangers = new Map<number, number>()

  function isTagged(pid: number): boolean {
    const inode = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.ino
    if (inode === undefined || strangers.get(pid) === inode) return false
    const environment = readProc(pid, 'environ') ?? ''
    if (`\0${environment}`.includes(tag)) return true
    // Empty: it may be in the middle of an execve(2), and carry the tag in a moment. Or it is a thread
    // of the kernel, below kthreadd, which is number 2.
    if (environment !== '' || isOfKernel(pid)) strangers.set(pid, inode)
    return false
  }

  return () =>
    allPids()
      .filter((pid) => pid !== process.pid && isTagged(pid))
      .map(processOf)
      .filter((found) => found !== null)
}

function isOfKernel(pid: number): boolean {
  return pid === 2 || processOf(pid)?.parent === 2
}

/** True when the process has a handler of its own for the signal (SigCgt in proc(5)). */
export function handles(pid: number, signalNumber: number): boolean {
  return hasBit(pid, 'SigCgt', signalNumber - 1)
}

/** True when this process has the capability of this number, as capabilities(7) counts them. */
export function hasCapability(number: number): boolean {
  return hasBit(process.pid, 'CapEff', number)
}

/** A bit of one of the masks in /proc/PID/status; bits are counted from 0. */
function hasBit(pid: number, mask: 'SigCgt' | 'CapEff', bit: number): boolean {
  const digits = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(
    readProc(pid, 'status') ?? '',
  )?.[1]
  return digits !== undefined && ((BigInt(`0x${digits}`) >> BigInt(bit)) & 1n) === 1n
}

/** Sends a signal to a process, or to a group by its negative number; false if nobody is there. */
export function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, name)
    return true
  } catch (error) {
    // EPERM: somebody is there, but not ours to signal.
    if (codeOf(error) === 'EPERM') return true
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

/** Changes with every boot of the machine; pids and start times mean something within one only. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** The numbers of all processes. */
export function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** True when a process of such a name works in a folder (absolute, without links) or below it. */
export function isAnyoneIn(folder: string, name: RegExp): boolean {
  return allPids().some((pid) => {
    try {
      const at = readlinkSync(`/proc/${pid}/cwd`)
      return `${at}/`.startsWith(`${folder}/`) && name.test(processOf(pid)?.name ?? '')
    } catch {
      // It ended meanwhile, or belongs to somebody else, who could not work here.
      return false
    }
  })
}

/** A file of a process's folder in /proc, byte for character; null when it cannot be read. */
export function readProc(
  pid: number,
  file: 'stat' | 'status' | 'smaps_rollup' | 'environ' | 'cmdline' | 'cgroup',
): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // It ended meanwhile, or belongs to somebody else.
    return null
  }
}
