import type { Site } from '../config.ts'
import { openDesk, type ProjectDesk } from '../control/desk.ts'
import { type DaemonStatus, type Live, liveStatus, type Status } from '../control/status.ts'
import type { Clock, Log } from '../model.ts'
import { findIdentity, type Identity, identityArguments } from '../program/identity.ts'
import { endLeftovers, type Program } from '../program/life.ts'
import { openHooks } from '../project/hooks.ts'
import { openObstacle } from '../project/obstacle.ts'
import { type Answer, openOrders } from '../project/orders.ts'
import { runProject } from '../project/project.ts'
import { careForReboots } from '../project/reboot.ts'
import type { Interpreter } from '../python/interpreter.ts'
import { openPackages, type Packages, sweepPackages } from '../python/packages.ts'
import { onBehalf } from '../python/worker.ts'
import type { SelfUpdate } from '../self/self-update.ts'
import type { Lock } from '../system/lock.ts'
import { openPipes } from '../system/pipes.ts'
import { words } from '../words.ts'
import { openCheckout } from './git.ts'
import { lockFolder, makeFolders, makeOwnFolder } from './ground.ts'
import type { Interpreters } from './interpreters.ts'
import { openRun } from './program.ts'
import type { Reading } from './self.ts'
import { checkInTurn, installInTurn, type Turns } from './turns.ts'
import { noUploads, openUploads } from './uploads.ts'

/** What a project has from its daemon. */
export type Shared = {
  readonly setpriv: string | null
  readonly interpreters: Interpreters
  readonly turns: Turns
  /** Aborts when not even the polite waits are to be waited for. */
  readonly hasten: AbortSignal
  readonly daemon: () => DaemonStatus
  readonly selfUpdate: SelfUpdate
  readonly clock: Clock
  /** It is only for an update: no program is started, no upload taken, and a remote looked at when that is asked. */
  readonly isPass: boolean
  /** True when such an update is over, and the machine may be rebooted for it. */
  readonly rebootsAtEnd: () => boolean
}

/** A project whose ground has been looked at: it can be opened. */
export type Prepared = {
  readonly site: Site
  readonly lock: Lock
  /** The folders that were made. */
  readonly made: readonly string[]
  readonly python: Interpreter
  readonly identity: Identity | null
}

/**
 * Makes the folders of a project, locks it, and looks up its Python and its user. Throws an OperationalError when
 * one of them is not to be had. `parent`: the folder of the daemon that runs many.
 */
export async function prepare(
  site: Site,
  parent: string | null,
  { interpreters, setpriv }: Pick<Shared, 'interpreters' | 'setpriv'>,
): Promise<Prepared> {
  const { paths, config } = site
  // Nothing else is made where another daemon runs: it may have other settings.
  makeOwnFolder(paths)
  const lock = await lockFolder(paths, parent)
  try {
    const made = makeFolders(paths, parent === null)
    const python = await interpreters.find(config.program.python, paths.project)
    const identity = await findIdentity(config.program, setpriv)
    return { site, lock, made, python, identity }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** A project with its program, its sources and its desk. */
export type Project = Reading & {
  /** True once the first start of its program was attempted, or waits for an install. */
  readonly isAttempted: () => boolean
  readonly status: () => Promise<Status>
  readonly desk: ProjectDesk
  /** Takes note of new settings. */
  readonly wake: () => void
  /** Runs it until `end` aborts, then closes all of it. */
  readonly run: () => Promise<void>
}

/** What a project is told when it is opened. */
export type Opening = {
  readonly log: Log
  /** Aborts when the project is to end. */
  readonly end: AbortSignal
  readonly reload: () => Promise<Answer>
}

/** Wires the rooms of one project, and ends what a daemon that was killed has left of it. Decides nothing. */
export async function openProject(
  { site, made, python, identity }: Prepared,
  { log, end, reload }: Opening,
  shared: Shared,
): Promise<Project> {
  const { clock, hasten, setpriv, turns, interpreters, isPass, rebootsAtEnd } = shared
  for (const folder of made) log.info(words.madeFolder(folder))
  await sweepPackages(site, log)
  const behalf = await onBehalf(setpriv, identityArguments(identity), identity)
  const installed = openPackages(python, behalf, site, clock, end, log)
  await installed.given()
  const { packages, isWaiting } = countMaking(installInTurn(installed, turns, end))
  const launch = { inUse: packages.inUse, setpriv, identity, pipes: await openPipes(2) }
  const hooks = openHooks(site, log)
  const ending = { shutdown: end, hasten }
  const run = await openRun(launch, site, hooks.tell, isPass, { log, clock, ending })
  const { program } = run
  await endOld(site, shared, log)

  const writers = interpreters.writers(python, site.config.deposit)
  const { deposit, guarantee, answer } = isPass
    ? noUploads
    : await openUploads(site, writers, log, clock)
  const git = openCheckout(setpriv, !isPass, site, log, clock, end, turns.fetches)
  const orders = openOrders(end, { is: 'refused', why: words.endingNow })
  const obstacle = openObstacle()
  const { daemon, selfUpdate } = shared
  const { reading } = program
  const state = { daemon, reading, deposit: deposit.state, guarantee, packages, git }
  const live: Live = { ...state, selfUpdate, obstacle, clock }
  const ahead = checkInTurn(interpreters.ahead, turns, () => isUp(program))
  const means = { site, ...run, isPass, python, packages, git, ahead, obstacle }
  const bustle = { calm: turns.bustle.calm, note: turns.bustle.enter() }
  const tools = { ...means, log, clock, shutdown: end, orders, bustle, rebootsAtEnd }
  const ground = { ...tools, tell: hooks.tell, answer }
  return {
    site,
    reading,
    isAttempted: () => isWaiting() || isAttempted(program),
    status: () => liveStatus(site, live),
    desk: openDesk(site, live, orders, reload),
    wake: git.wake,
    async run() {
      bustle.note(true)
      const caring = careForReboots(ground)
      await runProject(deposit, ground)
      bustle.note(false)
      await caring
      await hooks.close(hasten)
    },
  }
}

async function endOld(site: Site, { clock, hasten }: Shared, log: Log): Promise<void> {
  const leftovers = await endLeftovers(site, {
    limits: site.config.program,
    clock,
    hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  })
  if (leftovers.length > 0) log.warn(words.leftover(leftovers))
}

/** The same packages; `isWaiting`: an install is waited for, or for its turn. */
function countMaking(packages: Packages): { packages: Packages; isWaiting: () => boolean } {
  let making = 0
  return {
    packages: {
      ...packages,
      async make(wish, tell) {
        making += 1
        try {
          return await packages.make(wish, tell)
        } finally {
          making -= 1
        }
      },
    },
    isWaiting: () => making > 0,
  }
}

function isUp(program: Program): boolean {
  return ['RUNNING', 'STARTING', 'ELSEWHERE'].includes(program.state().is)
}

function isAttempted(program: Program): boolean {
  const state = program.state()
  return state.is !== 'STOPPED' || state.why !== 'not started yet'
}
