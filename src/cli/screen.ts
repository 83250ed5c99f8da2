import { codeOf, messageOf } from '../errors.ts'
import { timeText } from '../log/format.ts'
import { seconds } from '../phrases.ts'
import { words } from '../words.ts'
import { type Asked, exitCodes } from './verb.ts'

/** How answers look in a terminal, which may be narrow, and for programs. */

/** Prints an answer: the value for programs, where JSON is asked for, or the text for people. */
export function printAnswer({ json }: Pick<Asked, 'json'>, value: unknown, text: string): void {
  print(json ? JSON.stringify(value, null, 1) : text)
}

/** Prints text for people, with a line end. */
export function print(text: string): void {
  write(`${text}\n`)
}

/** Prints text as it is. Who reads it may have had enough (`history | head`): that is no failure. */
export function write(text: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', onError)
  process.stdout.write(text)
}

function onError(error: Error): void {
  if (codeOf(error) === 'EPIPE') return
  console.error(words.failure(messageOf(error), undefined))
  process.exit(exitCodes.failed)
}

/** Colours that mean something; each is used beside words that say the same. */
type Colour = 'red' | 'yellow' | 'green' | 'dim'

const codes: Readonly<Record<Colour, number>> = { red: 31, yellow: 33, green: 32, dim: 2 }

/** True on a terminal that shows colours (a `dumb` one does not) and whose user wants them (no-color.org). */
export function hasColours(): boolean {
  const { NO_COLOR, TERM } = process.env
  return process.stdout.isTTY === true && !NO_COLOR && TERM !== 'dumb'
}

/** The text in a colour, where there are colours. */
export function coloured(text: string, colour: Colour): string {
  return hasColours() ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text
}

/** Lines with a name in front: the name once, what belongs to it below each other. */
export function field(name: string, lines: readonly string[]): string {
  return lines.map((line, index) => `${(index === 0 ? name : '').padEnd(9)} ${line}`).join('\n')
}

/** A moment in the machine's own time zone, `11-22 01:05:07`; with the year when it is another. */
export function momentText(iso: string, now = new Date()): string {
  const at = new Date(iso)
  const isThisYear = at.getFullYear() === now.getFullYear()
  return timeText(at).slice(isThisYear ? '2026-'.length : 0, -'.123'.length)
}

/** How long ago, roughly: `12 s`, `5 min`, `3 h`, `2 days`. */
export function agoText(iso: string, now = new Date()): string {
  const s = Math.round((now.getTime() - new Date(iso).getTime()) / 1_000)
  return s < 1 ? '0 s' : seconds(s * 1_000)
}
