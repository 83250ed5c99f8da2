import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, defaults, ownName } from '../config.ts'
import { codeOf } from '../errors.ts'
import { within } from '../system/clock.ts'
import { command } from '../system/command.ts'
import { doctorWords } from '../words-doctor.ts'
import { error, type Finding, unknown } from './finding.ts'
import { askRoot, rootLine } from './line.ts'
import { mountOf, readMounts } from './mounts.ts'
import type { Machine } from './patient.ts'
import { mayAccess } from './place.ts'

/**
 * Can the project (an absolute path) be looked at, by this user and without being held up? What speaks
 * against it; nothing if all is well. A folder on a dead mount holds up for ever who touches it, and a
 * Node that is held up cannot even exit: so a process that can be killed touches it first.
 */
export async function knock(
  project: string,
  machine: Machine,
  { main, deposit }: Config['folders'] = defaults.folders,
): Promise<Finding[]> {
  const names = ['', deposit, main, 'logs', ownName]
  const answers = await Promise.all(
    names.map((name) => doesAnswer(resolve(project, name), machine)),
  )
  const dead = names.find((_, index) => !answers[index])
  if (dead === undefined) return closedTo(project, machine)
  const at = mountOf(resolve(project, dead), readMounts())?.at ?? '/'
  // The root disk cannot be taken away; it is only slow, or dying.
  const fix = at === '/' ? undefined : rootLine(machine, ['umount', '-l', at])
  return [error('project', doctorWords.dead(dead === '' ? project : `${dead}/`), fix)]
}

/** A folder that whoever runs this may not look into says nothing about the daemon's user. */
function closedTo(project: string, machine: Machine): Finding[] {
  try {
    const found = statSync(project, { throwIfNoEntry: false })
    // What is not there yet is made by the first start.
    if (found === undefined) return []
    if (!found.isDirectory()) return [error('project', doctorWords.noFolder(project))]
    if (mayAccess(project, 5)) return []
  } catch (error) {
    // One of the folders above it is closed.
    if (codeOf(error) !== 'EACCES') throw error
  }
  return [
    unknown(
      'project',
      doctorWords.closedProject(machine.self.name, project),
      askRoot(machine, project),
    ),
  ]
}

async function doesAnswer(path: string, machine: Machine): Promise<boolean> {
  const { answerMs } = machine.config.doctor
  const asking = command('stat', ['-L', '--', path], { timeoutMs: answerMs })
  const first = await within(asking, new AbortController().signal, answerMs)
  // Without `stat` there is no way to know; mostly it does.
  return (
    first.is === 'done' && (first.value.exitCode !== undefined || first.value.code === 'ENOENT')
  )
}
