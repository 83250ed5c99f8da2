import { type LogLine, marked, parseLine, printable, timeText, written } from '../log/format.ts'

/** Makes of a line of a log file what is printed of it, with its line end. */
export type Show = (line: string) => string

/** As JSON, one object a line. A line that is none of ours (torn by a power cut) is a text alone. */
export const asJson: Show = (line) => {
  const parsed = parseLine(line)
  return parsed === null
    ? `${JSON.stringify({ text: line })}\n`
    : written(parsed, parsed.text, 'json')
}

/** As text, in full. */
export const asText: Show = (line) => {
  const parsed = line.startsWith('{') ? parseLine(line) : null
  return parsed === null ? `${line}\n` : written(parsed, parsed.text, 'text')
}

/**
 * For a window of a terminal, which may be narrow: the time of day, a short name, the text, and a line
 * where another day begins. Nothing in it can upset the terminal, whoever wrote the file.
 */
export function forTerminal(isColoured: boolean): Show {
  let day = ''
  return (line) => {
    const parsed = parseLine(line)
    if (parsed === null) return `${harmless(line)}\n`
    const [date = '', time = ''] = timeText(parsed.time).split(' ')
    const newDay = date === day ? '' : `--- ${date} ---\n`
    day = date
    const text = `${time.slice(0, 8)} ${nameOf(parsed).padEnd(4)} ${harmless(marked(parsed))}`
    const colour = isColoured ? colourOf(parsed) : null
    return `${newDay}${colour === null ? text : `\x1b[${colour}m${text}\x1b[0m`}\n`
  }
}

/** `sup`, `r12`, and `r12!` for what it says on stderr; of many projects with the name before it. */
function nameOf({ project, who, stream }: LogLine): string {
  const short = who === 'supervisor' ? 'sup' : `${who}${stream === 'err' ? '!' : ''}`
  return project === undefined ? short : `${project} ${short.padEnd(4)}`
}

/** The numbers of ECMA-48, SGR: red, yellow, cyan. */
function colourOf({ who, level }: LogLine): number | null {
  if (level === 'error') return 31
  if (level === 'warn') return 33
  return who === 'supervisor' ? 36 : null
}

function harmless(text: string): string {
  return printable(Buffer.from(text))
}
