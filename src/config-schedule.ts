import { Cron } from 'croner'

/**
 * The first moment after another one at which a cron expression falls due, both in ms since 1970; null: never.
 * The expression must be one. Where clocks are put forward, a time that is left out falls due right after the
 * gap; where they are put back, one that comes twice falls due once, unless the expression says "every" of hours
 * or minutes. `zone`: by whose clocks; the machine's, if it is not given.
 */
export function dueAfter(expression: string, moment: number, zone?: string): number | null {
  return cronOf(expression, zone).nextRun(new Date(moment))?.getTime() ?? null
}

/** True for a cron expression of five fields, or a word for one such as `@daily`; whether it ever falls due or not. */
export function isSchedule(text: string): boolean {
  // A date would be taken too; it falls due once.
  if (!/^(\S+( +\S+){4}|@[a-z]+)$/.test(text)) return false
  try {
    cronOf(text)
    return true
  } catch {
    return false
  }
}

function cronOf(expression: string, zone?: string): Cron {
  return new Cron(expression, {
    mode: '5-part',
    // As cron(8) has it: a list of hours is as fixed as one.
    fixedTimeRule: 'no-wildcard',
    ...(zone === undefined ? {} : { timezone: zone }),
  })
}
