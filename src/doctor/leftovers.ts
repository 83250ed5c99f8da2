import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { readRecord, tagName } from '../program/record.ts'
import { disk } from '../system/disk.ts'
import { allPids, processOf, readProc } from '../system/processes.ts'
import { isWithin } from '../system/within.ts'
import { doctorWords } from '../words-doctor.ts'
import { isSupervisor } from './daemons.ts'
import { type Check, type Finding, ok, unknown, warning } from './finding.ts'
import { askRoot, rootLine } from './line.ts'
import type { Machine, Patient } from './patient.ts'

/** A process that came of a main.py that some daemon has started. */
export type Tagged = {
  readonly pid: number
  readonly name: string
  readonly uid: number
  /** The value of the tag in its environment. */
  readonly runId: string
  /** Where it works, absolute; null: that folder is gone, or closed to this user. */
  readonly cwd: string | null
  /** Its parent is a daemon: it is the leader of a run that is looked after. */
  readonly hasDaemon: boolean
}

/** What tells whose a process is. */
export type Claim = {
  /** The last run here, as the daemon has recorded it. */
  readonly lastRun: string | null
  /** main, absolute and without links. */
  readonly main: string
  readonly isDaemonUp: boolean
}

/** Are there processes of a main.py whose daemon is gone, or a main.py that no daemon started? */
export const leftovers: Check<Patient> = {
  name: 'leftovers',
  look(patient) {
    const { self, daemonUser, daemons, paths, config } = patient
    if (self.uid !== 0 && self.uid !== daemonUser.uid) {
      const fix = askRoot(patient, paths.project)
      return [unknown('leftovers', doctorWords.leftoversUnseen(daemonUser.name), fix)]
    }
    const main = disk.realPath(paths.main)
    const lastRun = readRecord(paths.runRecord)?.runId ?? null
    const claim: Claim = { lastRun, main, isDaemonUp: daemons.length > 0 }
    const { entry, afterUpdate } = config.program
    // Where something else runs it, that is how it is to be.
    const strangers = afterUpdate === 'restart' ? strangersIn(main, basename(entry)) : []
    return judgeLeftovers(tagged(), claim, strangers, patient)
  },
}

/** A run of this project is left over when no daemon has it. What others have left is not told. */
export function judgeLeftovers(
  processes: readonly Tagged[],
  { lastRun, main, isDaemonUp }: Claim,
  strangers: readonly number[],
  machine: Machine,
): Finding[] {
  const cared = new Set(processes.filter(({ hasDaemon }) => hasDaemon).map(({ runId }) => runId))
  // What its program leaves behind the daemon ends itself.
  if (isDaemonUp && lastRun !== null) cared.add(lastRun)
  const left = processes.filter(
    ({ runId, cwd }) =>
      !cared.has(runId) && (runId === lastRun || (cwd !== null && isWithin(cwd, main))),
  )
  const found: Finding[] = []
  const [first] = left
  if (first !== undefined) {
    const fix = rootLine(machine, ['kill', '-9', ...left.map(({ pid }) => `${pid}`)], first.uid)
    found.push(warning('leftovers', doctorWords.leftovers(left), fix))
  }
  if (strangers.length > 0) {
    const fix = rootLine(machine, ['kill', ...strangers.map(String)])
    found.push(warning('strangers', doctorWords.strangers(strangers), fix))
  }
  return found.length > 0 ? found : [ok('leftovers', doctorWords.noLeftovers)]
}

function tagged(): Tagged[] {
  return allPids().flatMap((pid) => {
    const runId = tagOf(pid)
    const found = runId === null ? null : processOf(pid)
    if (runId === null || found === null) return []
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readProc(pid, 'status') ?? '')?.[1])
    return [
      { pid, name: found.name, uid, runId, cwd: cwdOf(pid), hasDaemon: isSupervisor(found.parent) },
    ]
  })
}

function tagOf(pid: number): string | null {
  const environment = readProc(pid, 'environ')?.split('\0') ?? []
  return environment.find((one) => one.startsWith(`${tagName}=`))?.slice(tagName.length + 1) ?? null
}

/** Processes that run the program's entry in main, by hand or by cron: one too many. */
function strangersIn(main: string, entry: string): number[] {
  return allPids().filter((pid) => {
    const [first = '', ...words] = (readProc(pid, 'cmdline') ?? '').split('\0')
    // Not an editor.
    const isPython = /^python[\d.]*$/.test(basename(first))
    const isEntry = isPython && words.some((word) => basename(word) === entry)
    return isEntry && tagOf(pid) === null && cwdOf(pid) === main
  })
}

function cwdOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // It has ended, or is somebody else's.
    return null
  }
}
