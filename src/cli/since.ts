/** A moment in the past, as people say it, by the machine's own time zone; null when it is none.
 * A duration (`10min`, `2h`, `1d`), a date and time (`2026-11-22 01:00`; with its zone, as JSON has
 * it: `2026-11-22T01:00:00.000Z`), a date, or a time of day: the last time that it was so late. */
export function momentOf(text: string, now: Date): Date | null {
  return ago(text, now) ?? timeOfDay(text, now) ?? dateAndTime(text)
}

const units = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

function ago(text: string, now: Date): Date | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(s|min|h|d)$/.exec(text) ?? []
  if (unit === undefined) return null
  return new Date(now.getTime() - Number(amount) * units[unit as keyof typeof units])
}

function timeOfDay(text: string, now: Date): Date | null {
  const [, hours, minutes, seconds = '0'] = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(text) ?? []
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return null
  const at = new Date(now)
  at.setHours(Number(hours), Number(minutes), Number(seconds), 0)
  if (at > now) at.setDate(at.getDate() - 1)
  return at
}

function dateAndTime(text: string): Date | null {
  const [, date, time = '00:00', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(
      text,
    ) ?? []
  if (date === undefined || !isDay(date)) return null
  const at = new Date(`${date}T${time}${zone}`)
  return Number.isNaN(at.getTime()) ? null : at
}

/** False for the 30th of February, of which Date makes the 2nd of March. */
function isDay(date: string): boolean {
  const at = new Date(`${date}T00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(date)
}
