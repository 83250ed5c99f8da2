/** The name of a log file, taken apart: `logfile_DD-MM-YY_HH.MM.SS[-AGAIN][_PART].log`. */
export type LogName = {
  /** When its session began, by the wall clock of that moment. */
  readonly at: Date
  /** Counts sessions that began in the same second (or when the clock showed it a second time). */
  readonly again: number
  /** Counts the files of one session, from 1. */
  readonly part: number
}

/** The name of a log file: the first session of a second has no `-2`, its first file no `_2`. */
export function logName({ at, again, part }: LogName): string {
  const date = `${two(at.getDate())}-${two(at.getMonth() + 1)}-${two(at.getFullYear() % 100)}`
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`
  return `logfile_${date}_${time}${again > 1 ? `-${again}` : ''}${part > 1 ? `_${part}` : ''}.log`
}

const pattern = /^logfile_(\d\d)-(\d\d)-(\d\d)_(\d\d)\.(\d\d)\.(\d\d)(?:-(\d+))?(?:_(\d+))?\.log$/

/** Takes the name of a log file apart; null for any other name. */
export function parseLogName(name: string): LogName | null {
  const found = pattern.exec(name)
  if (found === null) return null
  const [day = 0, month = 0, year = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1, 7)
    .map(Number)
  // A machine whose clock was never set begins in 1970.
  const century = year >= 70 ? 1900 : 2000
  const at = new Date(century + year, month - 1, day, hours, minutes, seconds)
  const parsed = { at, again: Number(found[7] ?? 1), part: Number(found[8] ?? 1) }
  // Only what we would write ourselves is ours: `logfile_99-99-26_…` is somebody else's file.
  return logName(parsed) === name ? parsed : null
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
