import type { Config } from '../config.ts'
import type { ReleaseId } from '../model.ts'
import { beforeEach } from './before-each.ts'

/** How a line looks, on the console and in the files: as text, or as JSON. This file owns both. */

/** The two forms that a log file may have. */
export type Form = Config['log']['format']

/** Whose lines they are, and when they were said. */
export type Speaker = {
  readonly time: Date
  /** Of many projects: whose it is. A plain name, such as `garage`. */
  readonly project?: string | undefined
  /** `supervisor`, a hook, or the release whose program speaks. */
  readonly who: 'supervisor' | 'hook' | ReleaseId
  /** Where the program said it; the supervisor has none. */
  readonly stream?: 'out' | 'err'
  readonly level: 'info' | 'warn' | 'error'
}

/** One line of the log. */
export type LogLine = Speaker & { readonly text: string }

/** How a warning and an error begin, where nothing but text shows the level. */
const marks = { info: '', warn: 'WARNING: ', error: 'ERROR: ' } as const

/** `2026-11-21 22:40:01.123`, in the machine's own time zone. */
export function timeText(at: Date): string {
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${date} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** The lines of `body`, said by one speaker, as they are written: each ends in a line end. */
export function written(by: Speaker, body: string, form: Form): string {
  return form === 'json' ? jsonLines(by, body) : textLines(by, body)
}

/**
 * The same for what a program printed: whole lines, or one without its end. Shown as `printable` shows them. The
 * answer is good until the next call.
 */
export function writtenOutput(by: Speaker, bytes: Buffer, form: Form): Buffer {
  const lines = form === 'text' ? beforeEach(startOf(by), bytes) : null
  return lines ?? Buffer.from(written(by, printable(bytes), form))
}

function textLines(by: Speaker, body: string): string {
  const start = startOf(by)
  // There is no `$` in `start`.
  return `${start}${body.replace(/\n/g, `\n${start}`)}\n`
}

/** What stands before each line of text. ASCII: names of projects are. */
function startOf({ time, project, who, stream, level }: Speaker): string {
  const name = stream === undefined ? who : `${who} ${stream}`
  // Before what anybody says: no program can forge it.
  const of = project === undefined ? '' : `[${project}] `
  return `${timeText(time)}  ${of}${name.padEnd(nameWidth)}  ${marks[level]}`
}

const nameWidth = 10

function jsonLines({ time, project, who, stream, level }: Speaker, body: string): string {
  const by = { time: time.toISOString(), project, who, stream, level }
  const start = `${JSON.stringify(by).slice(0, -1)},"text":`
  return body
    .split('\n')
    .map((text) => `${start}${JSON.stringify(text)}}\n`)
    .join('')
}

/** The text of a line, with the mark of a warning or an error before it. */
export function marked({ level, text }: LogLine): string {
  return `${marks[level]}${text}`
}

/** Reads a line of either form, without its line end; null when it is neither (a torn line). */
export function parseLine(line: string): LogLine | null {
  return line.startsWith('{') ? parseJson(line) : parseText(line)
}

const textPattern =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) {2}(?:\[([\w.-]+)\] )?(supervisor|(hook|r\d+) (out|err)) *? {2}/

function parseText(line: string): LogLine | null {
  const found = textPattern.exec(line)
  if (found === null) return null
  const [, date, clock, project, name = '', speaker, stream] = found
  const time = new Date(`${date}T${clock}`)
  const before = timeText(time).length + 2 + (project === undefined ? 0 : project.length + 3)
  const text = line.slice(before + Math.max(nameWidth, name.length) + 2)
  const of = project === undefined ? {} : { project }
  if (stream === 'out' || stream === 'err') {
    return { time, ...of, who: speaker as 'hook' | ReleaseId, stream, level: 'info', text }
  }
  const level = text.startsWith(marks.error)
    ? 'error'
    : text.startsWith(marks.warn)
      ? 'warn'
      : 'info'
  return { time, ...of, who: 'supervisor', level, text: text.slice(marks[level].length) }
}

function parseJson(line: string): LogLine | null {
  try {
    const { time, ...rest } = JSON.parse(line) as Omit<LogLine, 'time'> & { time: string }
    return typeof rest.text === 'string' ? { ...rest, time: new Date(time) } : null
  } catch {
    return null
  }
}

/**
 * Bytes of a program as text: what is not UTF-8 becomes U+FFFD, and control characters are written out
 * (`\x1b`), so that binary garbage can neither forge a line nor upset a terminal. Line ends stay, but
 * for the last one.
 */
export function printable(bytes: Buffer): string {
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n').replace(control, escaped)
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

// Tab stays as it is; U+0080 to U+009F are control characters too, and U+2028/9 end a line for some.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  if (character === '\r') return '\\r'
  return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
