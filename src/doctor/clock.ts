import { disk } from '../system/disk.ts'
import { firstYear } from '../system/package.ts'
import { readSync, type Sync } from '../system/synchronised.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, unknown, warning } from './finding.ts'
import { installLine, rootLine } from './line.ts'
import type { Machine } from './patient.ts'

/** What is known of the clock. */
export type ClockFacts = {
  readonly year: number
  /** Null: nothing tells. */
  readonly sync: Sync | null
  /** A real-time clock with a battery, or a file that the time is kept in over a power cut. */
  readonly isKept: boolean
}

/** Is the clock right? Names of logs, TLS and schedules depend on it; waits do not. */
export const clock: Check = {
  name: 'clock',
  look: async (machine) => [judgeClock(await readClock(), machine)],
}

/** A wrong clock first, then one that will be. */
export function judgeClock({ year, sync, isKept }: ClockFacts, machine: Machine): Finding {
  const check = 'clock'
  if (year < firstYear) return warning(check, doctorWords.wrongYear(year), syncLine(sync, machine))
  if (sync === null) return unknown(check, doctorWords.clockUnknown)
  if (sync !== 'yes') return warning(check, doctorWords.notSynchronised, syncLine(sync, machine))
  if (!isKept) return warning(check, doctorWords.notKept, installLine(machine, 'fake-hwclock'))
  return ok(check, doctorWords.synchronised)
}

function syncLine(sync: Sync | null, machine: Machine): string | undefined {
  switch (sync) {
    case 'off':
      return rootLine(machine, ['timedatectl', 'set-ntp', 'true'])
    case 'no':
      return rootLine(machine, ['systemctl', 'restart', 'systemd-timesyncd'])
    case 'no service':
    case null:
      return installLine(machine, machine.hasSystemd ? 'systemd-timesyncd' : 'chrony')
    case 'yes':
      return undefined
  }
}

async function readClock(): Promise<ClockFacts> {
  const keepers = ['/etc/fake-hwclock.data', '/var/lib/systemd/timesync/clock']
  return {
    year: new Date().getFullYear(),
    sync: await readSync(),
    isKept:
      disk.list('/sys/class/rtc').length > 0 || keepers.some((path) => disk.kind(path) !== null),
  }
}
