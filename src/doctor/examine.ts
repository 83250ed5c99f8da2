import { resolve } from 'node:path'
import { defaults } from '../config.ts'
import type { Layout, Listed } from '../config-projects.ts'
import { isExpected, messageOf } from '../errors.ts'
import { within } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { projectWords } from '../words-projects.ts'
import { clock } from './clock.ts'
import { commands } from './commands.ts'
import { daemon } from './daemons.ts'
import { knock } from './door.ts'
import { fileSystems } from './file-systems.ts'
import { type Check, error, type Finding, ok, unknown, warning } from './finding.ts'
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
  ofUploads(uploads),
  ofUploads(servers),
  ofUploads(inotify),
  service,
  selfUpdate,
]

/** What matters only where there is a deposit. */
function ofUploads(check: Check<Patient>): Check<Patient> {
  const look = (patient: Patient) => (patient.paths.deposit === null ? [] : check.look(patient))
  return { name: check.name, look }
}

/**
 * Looks at the machine and at a project directory, which need not be a project yet. Changes nothing.
 * What cannot be looked at is `unknown`; only an asked user that does not exist is an error that is
 * thrown (`ENOUSER`), and what `pick` throws, which chooses from many projects.
 */
export async function examine(
  directory: string,
  asked: AskedUsers,
  pick: (layout: Layout) => Promise<readonly Member[]>,
): Promise<readonly Finding[]> {
  const project = resolve(directory)
  const machine = await meetMachine(defaults)
  const closed = await knock(project, machine)
  if (closed.length > 0) return [...(await run(ofMachine, machine)), ...closed]
  const { layout, finding } = await readSettings(project, machine)
  const members = layout === null ? [] : await pick(layout)
  const config = layout?.config ?? defaults
  if (layout?.is === 'many') {
    const settings = [finding, ...layout.leftOut.map((text) => warning('projects', text))]
    return examineParent(project, { ...machine, config }, settings, members, asked)
  }
  const deaf = await knock(project, machine, config.folders)
  if (deaf.length > 0) return [...(await run(ofMachine, machine)), finding, ...deaf]
  const patient = await meetProject({ ...machine, config }, project, asked)
  const [first, second] = await Promise.all([run(ofMachine, patient), run(ofProject, patient)])
  return [...first, judgeNewness(patient), finding, ...second]
}

/** What is looked at for the directory of many projects; and for each of them, whose daemon it is. */
const ofParent: readonly Check<Patient>[] = [daemon, service, selfUpdate]
const ofMember = ofProject.filter((check) => !ofParent.includes(check))

/** One of many projects. */
type Member = Pick<Listed, 'name' | 'directory' | 'config'>

/** The directory of many projects, and these of them. */
async function examineParent(
  directory: string,
  machine: Machine,
  settings: readonly Finding[],
  projects: readonly Member[],
  asked: AskedUsers,
): Promise<readonly Finding[]> {
  const parent = await meetProject(machine, directory, asked)
  const first = await run(ofMachine, parent)
  const found = [...first, ...settings, ...(await run(ofParent, parent))]
  // One after the other: together they would be too slow for a small machine, and that would look like trouble.
  for (const one of projects) {
    const findings = await examineMember(one.directory, { ...machine, config: one.config }, asked)
    found.push(...findings.map((finding) => ({ ...finding, project: one.name })))
  }
  return found
}

async function examineMember(
  directory: string,
  machine: Machine,
  asked: AskedUsers,
): Promise<readonly Finding[]> {
  const closed = await knock(directory, machine, machine.config.folders)
  if (closed.length > 0) return closed
  if (disk.kind(`${directory}/.`) !== 'dir')
    return [error('project', projectWords.noDirectory(directory))]
  const patient = await meetProject(machine, directory, asked)
  return [judgeNewness(patient), ...(await run(ofMember, patient))]
}

/** A folder becomes a project at the first start; nothing is wrong with one that is none yet. */
function judgeNewness({ paths }: Patient): Finding {
  const { project, main, deposit, own } = paths
  const made = [own, main, deposit].filter((path) => path !== null && path !== project)
  const isNew = made.every((path) => path === null || disk.kind(path) === null)
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
