import { examine } from '../doctor/examine.ts'
import type { Finding, State } from '../doctor/finding.ts'
import { doctorWords } from '../words-doctor.ts'
import { coloured, printAnswer } from './screen.ts'
import { chooseFrom } from './site.ts'
import { type Asked, exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `doctor`: what is wrong here, and the command that mends it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor doctor [NAME...] [--as USER] [--uploader USER] [-C DIR]

Looks at this machine and the project: commands, disks, permissions, clock,
leftover processes. Each finding comes with the command that mends it.
Changes nothing, and needs no daemon. As root it sees more.

      --as USER         the daemon's user (default: who runs the daemon, else
                        you; for root, the owner of the project)
      --uploader USER   who uploads (default: the owner of deposit/)

Exit code 1: there is an error. Warnings and unknowns are none.

${namesHelp}`,
  options: { as: { type: 'string' }, uploader: { type: 'string' } },
  takes: names,
  async run(asked) {
    const findings = await findingsFor(asked)
    printAnswer(asked, findings, asText(findings))
    const isBad = findings.some(({ state }) => state === 'error')
    // What did not answer may hang for ever: nothing is waited for.
    process.exit(isBad ? exitCodes.failed : exitCodes.done)
  },
}

async function findingsFor(asked: Asked): Promise<readonly Finding[]> {
  const { directory, values } = asked
  const { as, uploader } = values as { as?: string; uploader?: string }
  return examine(directory, { as, uploader }, async (layout) => {
    const { places } = await chooseFrom(layout, asked)
    const all = layout.is === 'one' ? [] : layout.projects
    return all.filter(({ name }) => places.some((one) => one.name === name))
  })
}

/** What is shown at the beginning of a line, and in which colour; the worst last. */
const marks = {
  ok: ['ok', 'green'],
  unknown: ['?', 'dim'],
  warning: ['warn', 'yellow'],
  error: ['ERROR', 'red'],
} as const satisfies Readonly<Record<State, unknown>>

const states = Object.keys(marks) as State[]

/** A line for each finding, the worst last: there they are seen when the others have scrolled away. */
function asText(findings: readonly Finding[]): string {
  const groups = states.map((state) => findings.filter((one) => one.state === state))
  return [...groups.flat().map(lineOf), summaryOf(findings)].join('\n')
}

function lineOf({ state, project, text, fix }: Finding): string {
  const [mark, colour] = marks[state]
  const of = project === undefined ? '' : `${project}: `
  const line = `${coloured(mark.padEnd(indent.length), colour)}${of}${text}`
  return fix === undefined ? line : `${line}\n${indent}${fix}`
}

function summaryOf(findings: readonly Finding[]): string {
  const number = (state: State) => findings.filter((one) => one.state === state).length
  return doctorWords.summary(number('error'), number('warning'), number('unknown'), number('ok'))
}

const indent = ' '.repeat(6)
