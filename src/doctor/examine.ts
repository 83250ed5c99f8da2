import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaults, ownName } from '../config.ts'
import { codeOf, isExpected, messageOf } from '../errors.ts'
import { within } from '../system/clock.ts'
import { command } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { clock } from './clock.ts'
import { commands } from './commands.ts'
import { fileSystems } from './file-systems.ts'
import { type Check, error, type Finding, ok, unknown } from './finding.ts'
import { inotify } from './inotify.ts'
import { daemon, leftovers } from './leftovers.ts'
import { askRoot, rootLine } from './line.ts'
import { memory } from './memory.ts'
import { mountOf, readMounts } from './mounts.ts'
import { node } from './node.ts'
import { type AskedUsers, type Machine, meetMachine, meetProject, type Patient } from './patient.ts'
import { mayAccess } from './place.ts'
import { power } from './power.ts'
import { programRights } from './program-rights.ts'
import { python } from './python.ts'
import { closedToOthers, daemonRights, uploaderRights } from './rights.ts'
import { service } from './service.ts'
import { readSettings } from './settings.ts'
import { space } from './space.ts'
import { servers, uploads } from './uploads.ts'

/** What is looked at, in the order in which it is told. */
const ofMachine: readonly Check[] = [node, commands, memory, power, clock]
const ofProject: readonly Check<Patient>[] = [
  python,
  daemon,
  leftovers,
  space,
  fileSystems,
  daemonRights,
  programRights,
  uploaderRights,
  closedToOthers,
  uploads,
  servers,
  inotify,
  service,
]

/**
 * Looks at the machine and at a project directory, which need not be a project yet. Changes nothing.
 * What cannot be looked at is `unknown`; only an asked user that does not exist is an error that is
 * thrown (`ENOUSER`).
 */
export async function examine(directory: string, asked: AskedUsers): Promise<readonly Finding[]> {
  const project = resolve(directory)
  const machine = await meetMachine(defaults)
  const closed = await knock(project, machine)
  if (closed.length > 0) return [...(await run(ofMachine, machine)), ...closed]
  const { config, finding } = await readSettings(project, machine)
  const patient = await meetProject({ ...machine, config }, project, asked)
  const [first, second] = await Promise.all([run(ofMachine, patient), run(ofProject, patient)])
  return [...first, judgeNewness(patient), finding, ...second]
}

/** A folder becomes a project at the first start; nothing is wrong with one that is none yet. */
function judgeNewness({ paths }: Patient): Finding {
  const { project, deposit, main } = paths
  const isNew = disk.kind(deposit) === null && disk.kind(main) === null
  return ok('project', isNew ? doctorWords.newProject(project) : doctorWords.project(project))
}

/** All at once; none can end or hold up another. */
async function run<At extends Machine>(checks: readonly Check<At>[], at: At): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => lookWell(check, at)))
  return found.flat()
}

async function lookWell<At extends Machine>(check: Check<At>, at: At): Promise<readonly Finding[]> {
  const { checkMs } = at.config.doctor
  try {
    const looking = (async () => check.look(at))()
    const first = await within(looking, new AbortController().signal, checkMs)
    return first.is === 'done'
      ? first.value
      : [unknown(check.name, doctorWords.late(check.name, checkMs))]
  } catch (error) {
    const text = isExpected(error) ? doctorWords.failed : doctorWords.fault
    return [unknown(check.name, text(check.name, messageOf(error)))]
  }
}

/**
 * Is there somebody in? A folder on a dead mount holds up for ever who touches it, and a Node that is
 * held up cannot even exit: so a process that can be killed touches it first.
 */
async function knock(project: string, machine: Machine): Promise<Finding[]> {
  const names = ['', 'deposit', 'main', 'logs', ownName]
  const answers = await Promise.all(names.map((name) => doesAnswer(join(project, name), machine)))
  const dead = names.find((_, index) => !answers[index])
  if (dead === undefined) return closedTo(project, machine)
  const at = mountOf(join(project, dead), readMounts())?.at ?? project
  const fix = rootLine(machine, ['umount', '-l', at])
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
