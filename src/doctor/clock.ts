import { command } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, unknown, warning } from './finding.ts'
import { installLine, rootLine } from './line.ts'
import type { Machine } from './patient.ts'

/** Nobody ran this before; a clock that says so is wrong. */
const firstYear = 2025

/** What is known of the clock. */
export type ClockFacts = {
  readonly year: number
  /** Is it kept right over the network? `off`: it could be; null: nothing tells. */
  readonly sync: 'yes' | 'no' | 'off' | 'no service' | null
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

function syncLine(sync: ClockFacts['sync'], machine: Machine): string | undefined {
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

async function readSync(): Promise<ClockFacts['sync']> {
  // systemd-timesyncd makes it at its first success: no need to wait for timedatectl.
  if (disk.kind('/run/systemd/timesync/synchronized') !== null) return 'yes'
  const shown = await command('timedatectl', ['show'])
  if (shown.exitCode === 0) return parseTimedatectl(shown.stdout)
  const asked = await command('python3', ['-I', '-S', '-c', question], { cwd: '/' })
  if (asked.exitCode !== 0) return null
  return asked.stdout === timeError ? 'no service' : 'yes'
}

/** What adjtimex(2) answers when the kernel's clock is not synchronised; Node cannot call it. */
const timeError = '5'

// All zero, it changes nothing. The structure has some 200 bytes.
const question = `
import ctypes
print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)))
`

/** Reads `timedatectl show`. `no service`: there is none that could be turned on. */
export function parseTimedatectl(shown: string): NonNullable<ClockFacts['sync']> {
  const says = (line: string) => shown.split('\n').includes(line)
  if (says('NTPSynchronized=yes')) return 'yes'
  if (says('NTP=yes')) return 'no'
  return says('CanNTP=yes') ? 'off' : 'no service'
}
