import { join } from 'node:path'
import { pathsOf } from '../config.ts'
import { shellLine } from '../phrases.ts'
import { systemctlLine } from '../system/systemctl.ts'
import { migrateWords } from '../words-migrate.ts'
import type { FoundLine } from './crontab.ts'
import type { Connector, Layout } from './layout.ts'
import { type Proposal, usesOldEnvironment } from './proposal.ts'

/** One thing to do after another, with the command that does it. */
export type Step = { readonly text: string; readonly command: string }

/** How the daemon's own command is called here, and by whom. */
export type Caller = { readonly uid: number; readonly program: readonly string[] }

/** What was asked for. */
export type Wish = { readonly isWritten: boolean; readonly keepsEnvironments: boolean }

/** What is to be done for a move, in its order. */
export function stepsFor(layout: Layout, proposal: Proposal, wish: Wish, caller: Caller): Step[] {
  const { directory, runs, connectors, tool } = layout
  const status = shellLine('ota-supervisor', 'status', '-C', directory)
  const sudoers = asRoot(caller, 'grep', '-rn', 'NOPASSWD', '/etc/sudoers', '/etc/sudoers.d')
  return [
    ...settingsSteps(layout, wish),
    ...runs.map((line) => step(migrateWords.cronStep, withoutLine(line, caller))),
    ...(runs.length === 0 && caller.uid !== 0
      ? [step(migrateWords.noCronStep, asRoot(caller, 'crontab', '-l'))]
      : []),
    ...connectors.flatMap((connector) => takenOver(connector, caller)),
    serviceStep(layout, proposal, wish, caller),
    ...(wish.keepsEnvironments ? [] : otherPythons(layout, caller)),
    step(migrateWords.lookStep, status),
    ...(tool === null ? [] : [step(migrateWords.toolStep, shellLine('rm', '-rf', tool))]),
    ...oldEnvironments(connectors, wish),
    step(migrateWords.sudoStep, sudoers),
  ]
}

function step(text: string, command: string): Step {
  return { text, command }
}

function asRoot({ uid }: Caller, ...words: readonly string[]): string {
  return shellLine(...(uid === 0 ? [] : ['sudo']), ...words)
}

function settingsSteps({ directory, hasSettings }: Layout, wish: Wish): Step[] {
  if (wish.isWritten) return []
  if (hasSettings) return [step(migrateWords.thereStep, migrateWords.compare(directory))]
  const keep = wish.keepsEnvironments ? ['--keep-environments'] : []
  const write = shellLine('ota-supervisor', 'migrate', '-C', directory, ...keep, '--write')
  return [step(migrateWords.writeStep, write)]
}

/** With what the first start will install. */
function serviceStep(
  { directory, connectors, freeBytes }: Layout,
  { needsRoot }: Proposal,
  { keepsEnvironments }: Wish,
  caller: Caller,
): Step {
  const built = connectors.filter(({ packages, environment }) => {
    return packages !== 0 && !(keepsEnvironments && environment?.isWhole)
  })
  const packages = built.reduce((sum, one) => sum + (one.packages ?? 0), 0)
  const text = migrateWords.serviceStep({ connectors: built.length, packages, freeBytes })
  const runAs = needsRoot ? ['--run-as', 'root'] : []
  const install = [...caller.program, 'service', 'install', '-C', directory, ...runAs]
  return step(text, asRoot(caller, ...install))
}

/** Services that run their program with an environment that is not kept up any more. */
function otherPythons({ connectors, directory }: Layout, caller: Caller): Step[] {
  return connectors.filter(usesOldEnvironment).flatMap(({ folder, start }): Step[] => {
    if (start.is !== 'unit') return []
    const { name, scope } = start.unit
    const python = join(pathsOf(join(directory, folder)).environment, 'bin/python')
    const edit = ['edit', '--full', name]
    const command =
      scope === 'user' ? systemctlLine(scope, ...edit) : asRoot(caller, 'systemctl', ...edit)
    return [step(migrateWords.unitStep(name, python), command)]
  })
}

/** The line that starts a program which the daemon runs from now on. */
function takenOver({ folder, start }: Connector, caller: Caller): Step[] {
  if ((start.is !== 'line' && start.is !== 'rc.local') || start.program === null) return []
  const command =
    start.is === 'line' ? withoutLine(start.line, caller) : editor('/etc/rc.local', caller)
  return [step(migrateWords.startStep(folder), command)]
}

/** The crontab without exactly this line. */
function withoutLine({ text, from }: FoundLine, caller: Caller): string {
  if (from.is === 'file') return editor(from.path, caller)
  const user = from.user === null ? [] : ['-u', from.user]
  const crontab = (how: string) => shellLine('crontab', ...user, how)
  return `${crontab('-l')} | ${shellLine('grep', '-vxF', '-e', text)} | ${crontab('-')}`
}

function editor(path: string, { uid }: Caller): string {
  return uid === 0 ? `\${EDITOR:-nano} ${shellLine(path)}` : shellLine('sudoedit', path)
}

/** The environments that nothing uses any more, once the steps before are done. */
function oldEnvironments(connectors: readonly Connector[], { keepsEnvironments }: Wish): Step[] {
  const unused = connectors.flatMap((connector) => {
    const { environment, start } = connector
    const isTaken = (start.is === 'line' || start.is === 'rc.local') && start.program !== null
    const isKept = keepsEnvironments && environment?.isWhole
    const isFree = (isTaken || usesOldEnvironment(connector)) && !isKept
    return environment === null || !isFree ? [] : [environment.path]
  })
  if (unused.length === 0) return []
  return [step(migrateWords.environmentsStep, shellLine('rm', '-rf', ...unused))]
}
