// All names in one, so that the build can leave out what is not used: most of it is languages.
import * as z from 'zod'
import { afterUpdates } from './config.ts'
import { isHttp, targetOf } from './config-health.ts'
import { units } from './config-names.ts'
import { dueAfter, isSchedule } from './config-schedule.ts'
import { words } from './words.ts'

/**
 * The kinds of values that settings have. What is wrong with a value is said by what was expected in
 * its place; `config-problems.ts` adds where it is and what was found.
 */

/** A duration, `"1.5s"` → 1500. More than Node's timers can wait is refused: they would not wait at all. */
export function duration(least: 0 | 1, mostMs = 2 ** 31 - 1): z.ZodType {
  const what = words.expected('a duration such as "10s", "250ms", "5min" or "1h"')
  return z
    .string(what)
    .regex(/^\d+(\.\d+)?(ms|s|min|h)$/, what)
    .transform((text) => quantity(text, units.duration))
    .refine((ms) => ms >= least, words.expected('a duration longer than zero'))
    .refine(
      (ms) => ms <= mostMs,
      words.expected(`a duration of ${Math.floor(mostMs / 3_600_000)}h at most`),
    )
}

/** A size, `"10MB"` → 10000000. */
export function size(least = 0, most = Number.MAX_SAFE_INTEGER): z.ZodType {
  const what = words.expected('a size such as "64kB", "10MB" or "1GB"')
  return z
    .string(what)
    .regex(/^\d+(\.\d+)?[kKMG]?B$/, what)
    .transform((text) => quantity(text, units.size))
    .refine((bytes) => bytes >= least, words.expected(`a size of ${least}B or more`))
    .refine((bytes) => bytes <= most, words.expected(`a size of ${most}B at most`))
}

function quantity(text: string, unitsByName: Readonly<Record<string, number>>): number {
  const unit = text.replace(/^[\d.]+/, '')
  return Math.round(Number.parseFloat(text) * (unitsByName[unit] ?? 1))
}

/** A whole number. */
export function whole(least: number, most = 1_000_000_000): z.ZodType {
  const what = words.expected(`a whole number from ${least} to ${most}`)
  return z.int(what).min(least, what).max(most, what)
}

/** A part of something, such as 0.1. */
export function share(least = 0): z.ZodType {
  const what = words.expected(`a number from ${least} to 1`)
  return z.number(what).min(least, what).max(1, what)
}

/** `true` or `false`. */
export const flag: z.ZodType = z.boolean(words.expected('true or false'))

/** A text in which NUL cannot be: the system takes it in no path, argument or variable. */
export function text(
  what = 'a text in quotes',
  isRight: (found: string) => boolean = () => true,
): z.ZodType<string> {
  return z
    .string(words.expected(what))
    .refine((found) => !found.includes('\0') && isRight(found), words.expected(what))
}

/** One of a few words. */
export function choice(all: readonly [string, ...string[]]): z.ZodType {
  const what = all.map((word) => `"${word}"`).join(', ')
  return z.enum(all, words.expected(`one of ${what}`))
}

/** A list of things of one kind. */
export function list(of: z.ZodType): z.ZodType {
  return z.array(of, words.expected('a list, in [ ]'))
}

/** The name of one file, in no folder. */
export const fileName = text('the name of a file, without /', isName)

/** The name of one file, or nothing. */
export const fileNameIfAny = text('the name of a file, without /, or "" for none', (found) => {
  return found === '' || isName(found)
})

/** The name of an archive that can be unpacked. */
export const archiveName = text('the name of a .zip, .tar.gz or .tgz, without /', (found) => {
  return isName(found) && /.\.(zip|tar\.gz|tgz)$/.test(found)
})

function isName(found: string): boolean {
  return !found.includes('/') && !['', '.', '..'].includes(found)
}

/** A name with `*` for any text. More than three of them could keep a comparison busy for long. */
export const pattern = text(
  'a name without /, with * for any text three times at most',
  (found) => {
    return isName(found) && found.split('*').length <= 4
  },
)

/** A path that stays inside the folder it is relative to, and is no option of a command. */
export const pathInside = text('a path inside main, such as "main.py"', (found) => {
  return !found.startsWith('-') && found.split('/').every(isName)
})

/** A command, or the path of one, or nothing; no option of a command. */
export const commandIfAny = text('a command or a path', (found) => !found.startsWith('-'))

/** A command and its arguments, or nothing. */
export const argv: z.ZodType = z
  .array(text(), words.expected('a list: a command and its arguments'))
  .refine(([command]) => command !== '', words.expected('a command first'))

/** What happens after an update. */
export const afterUpdate: z.ZodType = z
  .union(
    [z.enum(afterUpdates), z.array(text()).min(1)],
    words.expected(
      `${afterUpdates.map((word) => `"${word}"`).join(', ')}, or a list: a command and its arguments`,
    ),
  )
  .refine((found) => found[0] !== '', words.expected('a command first'))

/** An address to be asked by HTTP, or nothing. */
export const httpAddress = text('an address such as "http://127.0.0.1:8080/"', (found) => {
  return found === '' || isHttp(found)
})

/** A port to be connected to, with or without its host, or nothing. */
export const tcpAddress = text('a port: "8080", "127.0.0.1:8080" or "[::1]:8080"', (found) => {
  return found === '' || targetOf(found) !== null
})

/** The name or address of a git remote, or nothing; no option of git. */
export const remote = text('the name of a remote, or an address', (found) => {
  return !/^-|[\s\p{Cc}]|::/u.test(found)
})

/** Where versions of ota-supervisor come from, or nothing. Whoever is on the way must not be able to change them. */
export const versionSource = text(
  'an address such as "git+https://…" or "https://…" without a password, or the path of a folder',
  (found) => {
    if (/^-|[\s\p{Cc}]|::/u.test(found)) return false
    if (!found.includes('://')) return !found.startsWith('git+')
    return /^git\+(https|ssh|file):\/\/./.test(found) || /^https:\/\/[^/@]+(\/[^?#]*)?$/.test(found)
  },
)

/** The name of a branch, or nothing, as git takes it: git-check-ref-format(1). */
export const refName = text('the name of a branch', (found) => found === '' || isRef(found, ''))

/** A pattern for the names of tags, or nothing. */
export const refPattern = text('a pattern such as "v*"', (found) => {
  return found === '' || isRef(found, '*')
})

/** A cron expression, or nothing. */
export const schedule = text('five fields as in a crontab, such as "0 2 * * *"', (found) => {
  return found === '' || isSchedule(found)
}).refine(
  (found) => found === '' || !isSchedule(found) || dueAfter(found, 0) !== null,
  words.expected('a schedule that falls due some day'),
)

function isRef(found: string, also: string): boolean {
  const odd = /^[-/]|\.\.|@\{|\/\/|\.$|\/$|\.lock$|[\s\p{Cc}~^:?[\\]/u
  return !odd.test(found) && (also === '*' || !found.includes('*'))
}

/** The folder of the program: inside the project, and not what is the daemon's or git's there. */
export const mainFolder = text('a path inside the project, such as "main" or "."', (found) => {
  const [first = ''] = found.split('/')
  const isOurs = ['.supervisor', 'logs', '.git'].includes(first)
  return found === '.' || (!isOurs && found.split('/').every(isName))
})

/** The path of a folder. */
export const folder = text('the path of a folder', (found) => found !== '')

/** A user or group by name or number, or none. */
export const account = text('the name or number of a user or group, in quotes', (found) => {
  return /^([A-Za-z0-9_][A-Za-z0-9_.@-]*\$?)?$/.test(found)
})

/** Environment variables. Those by which the daemon finds its program are its own. */
export const environment: z.ZodType = z.record(
  text('the name of a variable, which does not begin with OTA_SUPERVISOR_', (found) => {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(found) && !found.startsWith('OTA_SUPERVISOR_')
  }),
  text(),
  words.expected('a table, such as { NAME = "value" }'),
)

/** The names and values of a table, all texts. */
export const table: z.ZodType = z.record(text(), text(), words.expected('a table of texts'))
