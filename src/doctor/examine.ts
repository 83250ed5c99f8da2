import { resolve } from 'node:path'
import { defaults } from '../config.ts'
import { isExpected, messageOf } from '../errors.ts'
import { within } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { clock } from './clock.ts'
import { commands } from './commands.ts'
import { daemon } from './daemons.ts'
import { knock } from './door.ts'
import { fileSystems } from './file-systems.ts'
import { type Check, type Finding, ok, unknown } from './finding.ts'
import { inotify } from './inotify.ts'
import { leftovers } from './leftovers.ts'
import { memory } from './memory.ts'
import { node } from './node.ts'
import { others } from './others.ts'
import { type AskedUsers, type Machine, meetMachine, meetProject, type Patient } from './patient.ts'
import { power } from './power.ts'
import { python } from './python.ts'
import { daemonRights, programRights, uploaderRights } from './rights.ts'
import { selfUpdate } from './self-update.ts'
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
  others,
  uploads,
  servers,
  inotify,
  service,
  selfUpdate,
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
