import { command, findCommand } from '../system/command.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { installLine } from './line.ts'
import type { Machine } from './patient.ts'

/** A command that the daemon calls, the package of Debian's that has it, and how bad it is without. */
export type Needed = {
  readonly name: keyof typeof doctorWords.noCommand
  readonly package: string
  readonly without: 'error' | 'warning'
  /** Only where systemd is in charge. */
  readonly onlySystemd?: true
}

const needed: readonly Needed[] = [
  { name: 'flock', package: 'util-linux', without: 'error' },
  { name: 'sync', package: 'coreutils', without: 'error' },
  { name: 'setpriv', package: 'util-linux', without: 'warning' },
  { name: 'ps', package: 'procps', without: 'warning' },
  { name: 'git', package: 'git', without: 'warning' },
  { name: 'systemd-notify', package: 'systemd', without: 'warning', onlySystemd: true },
]

/** Are the commands there that the daemon calls? */
export const commands: Check = {
  name: 'commands',
  async look(machine) {
    const here = needed.filter(({ onlySystemd }) => machine.hasSystemd || onlySystemd !== true)
    return Promise.all(here.map(async (one) => judgeCommand(one, await isThere(one.name), machine)))
  },
}

/** One command that is there or is not. */
export function judgeCommand(one: Needed, isThere: boolean, machine: Machine): Finding {
  if (isThere) return ok(one.name, one.name)
  const finding = one.without === 'error' ? error : warning
  const fix = installLine(machine, one.package)
  return finding(one.name, doctorWords.noCommand[one.name], fix)
}

async function isThere(name: string): Promise<boolean> {
  // The `ps` of busybox cannot do what is asked of it when the program's processes are ended.
  if (name === 'ps')
    return (await command('ps', ['-o', 'pid', '-p', `${process.pid}`])).exitCode === 0
  return (await findCommand(name)) !== null
}
