import type { Site } from '../config.ts'
import type {
  Cause,
  Clock,
  Exit,
  Health,
  ProgramReading,
  ProgramState,
  ReleaseId,
  Stage,
} from '../model.ts'
import { causeText, exitText } from '../phrases.ts'
import type { Obstacle } from '../project/obstacle.ts'
import { isWanted } from '../project/wanted.ts'
import type { Packages } from '../python/packages.ts'
import type { SelfUpdate } from '../self/self-update.ts'
import { type SelfStatus, selfStatus } from '../self/status.ts'
import type { GitSource } from '../source/git/git.ts'
import { timeAgo } from '../system/clock.ts'
import { type HistoryEntry, lastCommitted, readHistory } from '../update/history.ts'
import { readReleases } from '../update/store.ts'
import { words } from '../words.ts'
import { type DepositStatus, depositOf, depositOnDisk, type LiveDeposit } from './deposit-status.ts'
import { type GitStatus, gitOf } from './git-status.ts'
import { type Usage, usageOf } from './usage.ts'

/** How a project stands. Times are ISO 8601 by the wall clock; `text` says the same to people. */
export type Status = {
  /** Absolute. */
  readonly project: string
  /** Null while no daemon runs; then the rest is what the disk tells. */
  readonly daemon: DaemonStatus | null
  readonly program: ProgramStatus
  readonly release: ReleaseStatus
  /** Releases on their way, oldest first. */
  readonly underWay: readonly UnderWay[]
  /** The last release that has ended, however it did. */
  readonly last: HistoryEntry | null
  /** Null where there is none. */
  readonly deposit: DepositStatus | null
  /** Null while no daemon runs. */
  readonly packages: PackagesStatus | null
  /** Null while no daemon runs, or git is not used. */
  readonly git: GitStatus | null
  /** Null while no daemon runs, or there is nothing to tell. */
  readonly selfUpdate: SelfStatus | null
}

/** The daemon itself. `session` is its log file, absolute; null when it could not make one. */
export type DaemonStatus = {
  readonly pid: number
  readonly version: string
  readonly since: string
  readonly session: string | null
}

/** The program. `wanted` is `down` after the operator's stop, until he starts it. */
export type ProgramStatus = {
  readonly state: ProgramState['is']
  readonly wanted: 'up' | 'down'
  readonly pid: number | null
  readonly since: string | null
  readonly restarts: number
  readonly lastExit: (Exit & { readonly text: string }) | null
  readonly cause: (Cause & { readonly text: string }) | null
  /** Why it rests although it is wanted: main holds nothing to run. */
  readonly note: string | null
  readonly health: Health
  /** All of its processes together; 100 is one core. Null when nothing runs. */
  readonly cpuPercent: number | null
  readonly rssBytes: number | null
}

/** What main holds. `result` is null for what was there before the first release. */
export type ReleaseStatus = {
  readonly id: ReleaseId
  readonly result: 'committed' | 'on-trial' | null
  readonly at: string | null
}

/** A release that has not ended yet. */
export type UnderWay = {
  readonly id: ReleaseId
  readonly stage: Stage['stage'] | 'unknown'
  readonly at: string | null
  /** The SHA-256 of the manifest it came with. */
  readonly manifest: string | null
  /** The commit it is made of, if it comes from git. */
  readonly commit: string | null
  /** It is in main, and its trial has not begun: the program is to stay down, or the next daemon starts it. */
  readonly isHeld: boolean
  /** What keeps it from going on; null: nothing, or no daemon runs. */
  readonly waitingFor: string | null
}

/** What the program is run with, and the install under way. */
export type PackagesStatus = {
  /** The virtual environment, absolute; null: the bare interpreter. */
  readonly environment: string | null
  /** It only stands in for what main asks for, which is not there. */
  readonly isStandIn: boolean
  readonly installing: {
    readonly from: string
    readonly packages: readonly string[]
    readonly since: string
    /** What pip or git said last. */
    readonly doing: string
  } | null
}

/** What only the running daemon knows. */
export type Live = LiveDeposit & {
  readonly daemon: () => DaemonStatus
  readonly reading: () => ProgramReading
  readonly packages: Packages
  readonly git: GitSource
  readonly selfUpdate: SelfUpdate
  readonly obstacle: Obstacle
  readonly clock: Clock
}

/** The status that the daemon itself gives. Measuring the processor takes `cpuSampleMs`. */
export async function liveStatus(site: Site, live: Live): Promise<Status> {
  const { state, forMs, ...reading } = live.reading()
  const pid = 'pid' in state && state.pid > 0 ? state.pid : null
  const usage = pid === null ? null : await usageOf(pid, site.config.daemon.cpuSampleMs, live.clock)
  const releases = await releasesOf(site, live.obstacle.of)
  return {
    project: site.paths.project,
    daemon: live.daemon(),
    program: {
      state: state.is,
      wanted: isWanted(site) ? 'up' : 'down',
      pid,
      since: timeAgo(live.clock.now() - forMs, live.clock),
      restarts: reading.restarts,
      note: state.is === 'STOPPED' && state.why === 'no main.py' ? words.noProgram : null,
      health: reading.health,
      lastExit: reading.lastExit && { ...reading.lastExit, text: exitText(reading.lastExit) },
      cause: reading.cause && { ...reading.cause, text: causeText(reading.cause) },
      ...restOf(usage),
    },
    ...releases,
    deposit: depositOf(live),
    packages: packagesOf(live.packages),
    git: gitOf(site, live.git, live.clock),
    selfUpdate: selfStatus(live.selfUpdate.state(), site.config.selfUpdate, live.clock),
  }
}

function packagesOf(packages: Packages): PackagesStatus {
  const installing = packages.installing()
  return {
    environment: packages.inUse().folder,
    isStandIn: packages.lacking() !== null,
    installing: installing && { ...installing, since: installing.since.toISOString() },
  }
}

/** The status while no daemon runs. */
export async function statusFromDisk(site: Site): Promise<Status> {
  return {
    project: site.paths.project,
    daemon: null,
    program: {
      state: site.config.program.afterUpdate === 'restart' ? 'STOPPED' : 'ELSEWHERE',
      wanted: isWanted(site) ? 'up' : 'down',
      pid: null,
      since: null,
      restarts: 0,
      note: null,
      lastExit: null,
      cause: null,
      health: { is: 'none' },
      ...restOf(null),
    },
    ...(await releasesOf(site, () => null)),
    deposit: await depositOnDisk(site),
    packages: null,
    git: null,
    selfUpdate: null,
  }
}

async function releasesOf(
  site: Site,
  obstacleOf: Obstacle['of'],
): Promise<Pick<Status, 'release' | 'underWay' | 'last'>> {
  const [history, releases] = await Promise.all([readHistory(site), readReleases(site)])
  const underWay = releases.flatMap(({ id, stage }): UnderWay[] => {
    if (stage?.stage === 'ended') return []
    const release = stage?.release
    const { at = null } = release ?? {}
    const manifest = release?.from === 'deposit' ? (release.manifest ?? null) : null
    const commit = release?.from === 'git' ? release.commit.new : null
    const waitingFor = obstacleOf(id)
    const isHeld = stage?.stage === 'on-trial' && stage.boots === 0
    return [{ id, stage: stage?.stage ?? 'unknown', at, manifest, commit, isHeld, waitingFor }]
  })
  const trial = underWay.findLast(({ stage }) => stage === 'on-trial')
  const id = lastCommitted(history)
  const at = history.find((entry) => entry.id === id)?.at ?? null
  const result = at === null ? null : 'committed'
  return {
    release: trial ? { id: trial.id, result: 'on-trial', at: trial.at } : { id, result, at },
    underWay,
    last: history.at(-1) ?? null,
  }
}

function restOf(usage: Usage | null): Pick<ProgramStatus, 'cpuPercent' | 'rssBytes'> {
  return usage ?? { cpuPercent: null, rssBytes: null }
}
