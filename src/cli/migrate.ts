import { join } from 'node:path'
import { configFileName } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { type Layout, readLayout } from '../migrate/layout.ts'
import { type Proposal, propose } from '../migrate/proposal.ts'
import { type Step, stepsFor } from '../migrate/steps.ts'
import { columns, tomlOf } from '../migrate/toml.ts'
import { type Trouble, troublesOf } from '../migrate/troubles.ts'
import { wrapped } from '../phrases.ts'
import { disk } from '../system/disk.ts'
import { migrateWords } from '../words-migrate.ts'
import { coloured, printAnswer } from './screen.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `migrate`: from client-connector-updater to this. */
export const verb: Verb = {
  help: `Usage: ota-supervisor migrate [-C DIR] [--write] [--keep-environments]

Reads a layout of client-connector-updater: the folders in DIR with .git and
gupfile, .pyenv, the crontab, and what starts the connectors at boot. Prints
the supervisor.toml that stands for it, and what to do then, in order.

      --write              write DIR/supervisor.toml, where there is none; all
                           else stays as it is
      --keep-environments  use the old virtual environments on as they are,
                           instead of installing the packages anew

Changes nothing without --write, and asks no network. As root it sees more.
`,
  options: {
    write: { type: 'boolean', default: false },
    'keep-environments': { type: 'boolean', default: false },
  },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const isWritten = asked.values['write'] === true
    const keepsEnvironments = asked.values['keep-environments'] === true
    const layout = await readLayout(asked.directory)
    const proposal = propose(layout, keepsEnvironments)
    const toml = tomlOf(layout.directory, proposal)
    const path = join(layout.directory, configFileName)
    if (isWritten) await write(path, toml, layout)
    const program = [process.execPath, process.argv[1] ?? 'ota-supervisor']
    const caller = { uid: process.getuid?.() ?? 0, program }
    const steps = stepsFor(layout, proposal, { isWritten, keepsEnvironments }, caller)
    const troubles = troublesOf(layout, keepsEnvironments)
    const text = isWritten ? migrateWords.isWritten(path) : toml.trimEnd()
    printAnswer(asked, forPrograms(layout, proposal, { toml, isWritten, steps, troubles }), text)
    // Apart from the file, which may be taken from stdout.
    if (!asked.json) console.error(afterwards(troubles, steps))
    return exitCodes.done
  },
}

/** Throws an OperationalError where there is one already. It becomes the folder's owner's, also if root writes it. */
async function write(
  path: string,
  text: string,
  { directory, owner, hasSettings }: Layout,
): Promise<void> {
  if (hasSettings) {
    throw new OperationalError(migrateWords.isThere(path), {
      code: 'EEXIST',
      path,
      hint: migrateWords.isThereHint(directory),
    })
  }
  await disk.replaceText(path, text, true)
  if (process.getuid?.() === 0) disk.give(path, owner)
}

function afterwards(troubles: readonly Trouble[], steps: readonly Step[]): string {
  const put = troubles.flatMap(({ folder, why, hint }) => [
    ...indented('  ', coloured(`${folder}: ${why}`, 'yellow')),
    ...(hint === undefined ? [] : indented('    ', hint)),
  ])
  const does = steps.flatMap(({ text, command }, index) => [
    ...indented(`${index + 1}. `.padStart(4), text),
    `      ${command}`,
  ])
  const first = put.length === 0 ? [] : ['', migrateWords.troubles, ...put]
  return [...first, '', migrateWords.steps, ...does].join('\n')
}

/** Lines below each other, behind what stands before the first. */
function indented(before: string, text: string): string[] {
  const lines = wrapped(text, columns - before.length)
  return lines.map((line, index) => `${index === 0 ? before : ' '.repeat(before.length)}${line}`)
}

/** What was found, and what becomes of it. */
function forPrograms(
  { directory, tool, runs, connectors, noCheckouts, python }: Layout,
  { isDiscovered, projects, needsRoot }: Proposal,
  about: { toml: string; isWritten: boolean; steps: readonly Step[]; troubles: readonly Trouble[] },
): object {
  const { toml, ...rest } = about
  const found = connectors.map(({ troubles: _, ...connector }, index) => ({
    name: projects[index]?.name,
    ...connector,
  }))
  return {
    directory,
    tool,
    python,
    runs,
    connectors: found,
    noCheckouts,
    isDiscovered,
    needsRoot,
    ...rest,
    [configFileName]: toml,
  }
}
