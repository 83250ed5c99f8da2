import { readFileSync, writeFileSync } from 'node:fs'
import { bootId, type Process, processOf } from '../system/processes.ts'

/**
 * The run record, `.supervisor/program.json`: which process is the program. A daemon that was killed
 * leaves it behind, and the next one looks here before it starts a second program. It speaks of
 * processes of one boot of the machine only, so it need not survive a power cut and is not fsynced.
 */
export type RunRecord = {
  /** The value of the tag that is in the environment of the program and of all it starts. */
  readonly runId: string
  readonly bootId: string
  /** The leader of the program's process group; null between the record's writing and the start. */
  readonly leader: { readonly pid: number; readonly startTime: number } | null
}

/** The environment variable that tags the program and every process that comes of it. */
export const tagName = 'OTA_SUPERVISOR_RUN_ID'

/** Written before the start, and again with the pid: a kill in between leaves the tag to be found. */
export function writeRecord(path: string, runId: string, pid: number | null): void {
  const found = pid === null ? null : processOf(pid)
  const leader = found === null ? null : { pid: found.pid, startTime: found.startTime }
  const record: RunRecord = { runId, bootId: bootId(), leader }
  writeFileSync(path, `${JSON.stringify(record)}\n`, { mode: 0o600 })
}

/** The record of the last run, or null: none was written, it is torn, or the machine was rebooted. */
export function readRecord(path: string): RunRecord | null {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as RunRecord
    return record.bootId === bootId() ? record : null
  } catch {
    return null
  }
}

/** The recorded leader if it is still that very process and not a later one with its number. */
export function livingLeader(record: RunRecord): Process | null {
  if (record.leader === null) return null
  const found = processOf(record.leader.pid)
  return found?.startTime === record.leader.startTime ? found : null
}
