import { examine } from '../doctor/examine.ts'
import type { Finding, State } from '../doctor/finding.ts'
import { doctorWords } from '../words-doctor.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `doctor`: what is wrong here, and the command that mends it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor doctor [-C DIR] [--as USER] [--uploader USER]

Looks at this machine and the project: commands, disks, permissions, clock,
leftover processes. Each finding comes with the command that mends it.
Changes nothing, and needs no daemon. As root it sees more.

      --as USER         the daemon's user (default: who runs the daemon, else
                        you; for root, the owner of the project)
      --uploader USER   who uploads (default: the owner of deposit/)

Exit code 1: there is an error. Warnings and unknowns are none.
`,
  options: { as: { type: 'string' }, uploader: { type: 'string' } },
  takes: { least: 0, most: 0 },
  async run({ directory, json, values }) {
    const { as, uploader } = values as { as?: string; uploader?: string }
    const findings = await examine(directory, { as, uploader })
    const isColoured = process.stdout.isTTY && !process.env['NO_COLOR']
    process.stdout.write(
      json ? `${JSON.stringify(findings, null, 1)}\n` : asText(findings, isColoured),
    )
    const isBad = findings.some(({ state }) => state === 'error')
    // What did not answer may hang for ever: nothing is waited for.
    process.exit(isBad ? exitCodes.failed : exitCodes.done)
  },
}

/** What is shown at the beginning of a line, and in which colour (ECMA-48, SGR). */
const marks: Readonly<Record<State, { readonly text: string; readonly colour: number }>> = {
  ok: { text: 'ok', colour: 32 },
  unknown: { text: '?', colour: 36 },
  warning: { text: 'warn', colour: 33 },
  error: { text: 'ERROR', colour: 31 },
}

/** A line for each finding, the worst last: there they are seen when the others have scrolled away. */
function asText(findings: readonly Finding[], isColoured: boolean): string {
  const states = Object.keys(marks) as State[]
  const lines = states.flatMap((state) =>
    findings.filter((one) => one.state === state).map((one) => lineOf(one, isColoured)),
  )
  const number = (state: State) => findings.filter((one) => one.state === state).length
  const counts = {
    ok: number('ok'),
    unknown: number('unknown'),
    warning: number('warning'),
    error: number('error'),
  }
  return `${[...lines, doctorWords.summary(counts)].join('\n')}\n`
}

function lineOf({ state, text, fix }: Finding, isColoured: boolean): string {
  const { text: mark, colour } = marks[state]
  const padded = mark.padEnd(indent.length)
  const line = `${isColoured ? `\x1b[${colour}m${padded}\x1b[0m` : padded}${text}`
  return fix === undefined ? line : `${line}\n${indent}${fix}`
}

const indent = ' '.repeat(6)
