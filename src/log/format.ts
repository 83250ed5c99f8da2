/** How a line looks, on the console and in the session file. */

/** `2026-11-21 22:40:01.123`, in the machine's own time zone. */
export function timeText(at: Date): string {
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${date} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/**
 * The name of a session's log file. `again` counts sessions that began in the same second (or when
 * the clock showed it a second time): the first has none, the next is `-2`.
 */
export function sessionName(at: Date, again: number): string {
  const date = `${two(at.getDate())}-${two(at.getMonth() + 1)}-${two(at.getFullYear() % 100)}`
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`
  return `logfile_${date}_${time}${again > 1 ? `-${again}` : ''}.log`
}

/**
 * Bytes of a program as one line of text: what is not UTF-8 becomes U+FFFD, and control characters
 * are written out (`\x1b`), so that binary garbage can neither forge a line nor upset a terminal.
 */
export function printable(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return hasControl.test(text) ? text.replace(control, escaped) : text
}

// Tab stays as it is; U+0080 to U+009F are control characters too, and U+2028/9 end a line for some.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const control = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g
const hasControl = new RegExp(control.source)

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  if (character === '\r') return '\\r'
  return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
