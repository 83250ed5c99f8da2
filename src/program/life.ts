import { join } from 'node:path'
import type { Site } from '../config.ts'
import type { Cause, Clock, Exit, Log, ProgramReading, ProgramState, ReleaseId } from '../model.ts'
import { within } from '../system/clock.ts'
import type { Process } from '../system/processes.ts'
import { words } from '../words.ts'
import { type Climbing, clear, stopLadder } from './ladder.ts'
import { livingLeader, readRecord } from './record.ts'
import { afterExit, count, type Deaths, isWell, noDeaths } from './restart.ts'
import { type Launch, type Run, startRun } from './run.ts'
import { type Watch, watchOver } from './watch.ts'

/** The supervised program. There is one process of it at most, and one writer of its state. */
export type Program = {
  readonly state: () => ProgramState
  /** The same with all that people ask about it. */
  readonly reading: () => ProgramReading
  /**
   * Starts it, and from then on restarts it when it crashes, hangs or takes too much memory. The answer
   * is for a trial: its first run; null when there is no main.py to run.
   */
  readonly start: (release: ReleaseId, cause: Cause) => Promise<FirstRun | null>
  /** Stops it for good; resolves when no process of it is left. */
  readonly stop: (cause: Cause) => Promise<void>
}

/** The first run of a started program: how it ends, and when it has shown that it is well. */
export type FirstRun = Pick<Watch, 'exit' | 'proven'> & Pick<Run, 'lastWords'>

/** A program that is wanted: the loop that keeps it alive, and the way to end that. */
type Life = { readonly end: AbortController; readonly over: Promise<void> }

type Watched = Run & { readonly watch: Watch }

/**
 * `hasten`, when it aborts, ends every polite wait. `onFatal` is called when the program becomes FATAL,
 * not again for each try after that.
 */
export function openProgram(
  launch: Launch,
  site: Site,
  log: Log,
  clock: Clock,
  hasten: AbortSignal,
  onFatal: (release: ReleaseId, exit: Exit) => void,
): Program {
  const limits = site.config.program
  const how: Climbing = {
    limits,
    clock,
    hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  }
  let state: ProgramState = { is: 'STOPPED', why: 'not started yet' }
  let since = clock.now()
  let started: Pick<ProgramReading, 'cause' | 'release' | 'restarts'> = {
    cause: null,
    release: null,
    restarts: 0,
  }
  let lastExit: Exit | null = null
  let life: Life | null = null
  let watch: Watch | null = null
  let stopCause: Cause = { by: 'shutdown' }

  function become(next: ProgramState): void {
    state = next
    since = clock.now()
    if ('last' in next) lastExit = next.last
    const text = words.state(next)
    if (text === null) return
    if ('last' in next && !isWell(next.last)) log.error(text)
    else log.info(text)
  }

  /** Keeps the program alive until the signal aborts or it has done its job. */
  async function live(
    first: Watched,
    release: ReleaseId,
    cause: Cause,
    end: AbortSignal,
  ): Promise<void> {
    let deaths: Deaths = noDeaths
    let run = first
    let why = cause
    for (;;) {
      const began = clock.now()
      const exit = await awaitEnd(run, why, end)
      await endRun(run, exit)
      if (exit === null || end.aborted) return become({ is: 'STOPPED', why: stopCause })
      const next = follow(exit, deaths, clock.now() - began, release)
      if (next === null) return
      deaths = next.deaths
      await clock.sleep(next.waitMs, end)
      if (end.aborted) return become({ is: 'STOPPED', why: stopCause })
      if (!hasEntry()) return rest()
      why = { by: 'retry', after: exit }
      started = { cause: why, release, restarts: started.restarts + 1 }
      run = await startWatched(release)
    }
  }

  /** What follows the end of a run; null: nothing, the job is done. */
  function follow(
    exit: Exit,
    before: Deaths,
    upMs: number,
    release: ReleaseId,
  ): { readonly deaths: Deaths; readonly waitMs: number } | null {
    const deaths = count(before, exit, clock.now(), upMs, limits)
    const next = afterExit(exit, deaths, limits, Math.random())
    if (next.do === 'rest') {
      become({ is: 'EXITED', last: exit })
      return null
    }
    become({ is: next.state, last: exit, waitMs: next.waitMs })
    if (deaths.tooMany && !before.tooMany) onFatal(release, exit)
    return { deaths, waitMs: next.waitMs }
  }

  async function startWatched(release: ReleaseId): Promise<Watched> {
    const run = await startRun(launch, release, site, log)
    watch = watchOver(run, site, log, clock)
    return { ...run, watch }
  }

  /** STARTING, RUNNING, and then its end; null when it is to be stopped first. */
  async function awaitEnd(
    { pid, watch: { exit } }: Watched,
    cause: Cause,
    end: AbortSignal,
  ): Promise<Exit | null> {
    become({ is: 'STARTING', pid, cause })
    const early = await within(exit, end, limits.startMs)
    if (early.is === 'done') return early.value
    if (early.is === 'aborted') return null
    become({ is: 'RUNNING', pid, cause })
    const late = await within(exit, end)
    return late.is === 'done' ? late.value : null
  }

  /** Ends all that is left of a run; `exit` is null when it is to be stopped. */
  async function endRun(run: Watched, exit: Exit | null): Promise<void> {
    await run.watch.close()
    watch = null
    if (run.pid === 0) return
    const cause = exit === null ? stopCause : causeToEnd(exit)
    if (cause !== null) {
      become({ is: 'STOPPING', pid: run.pid, cause })
      await stopLadder({ group: run.pid, runId: run.runId, leaderExit: run.exit }, how)
    } else {
      const left = await clear({ group: run.pid, runId: run.runId }, how)
      if (left.length > 0) log.warn(words.leftBehind(left))
    }
    await run.drained()
  }

  function hasEntry(): boolean {
    return site.disk.kind(join(site.paths.main, limits.entry)) !== null
  }

  function rest(): void {
    become({ is: 'STOPPED', why: 'no main.py' })
  }

  return {
    state: () => state,
    reading: () => ({
      state,
      forMs: clock.now() - since,
      lastExit,
      health: watch?.health() ?? { is: 'none' },
      ...started,
    }),
    async start(release, cause) {
      if (!hasEntry()) {
        rest()
        return null
      }
      started = { cause, release, restarts: 0 }
      const run = await startWatched(release)
      const end = new AbortController()
      life = { end, over: live(run, release, cause, end.signal) }
      return { ...run.watch, lastWords: run.lastWords }
    },
    async stop(cause) {
      const ending = life
      life = null
      stopCause = cause
      ending?.end.abort()
      await ending?.over
      // A job that is done, or never began, is stopped too: from here on nothing starts it by itself.
      if (state.is === 'EXITED' || (state.is === 'STOPPED' && state.why === 'not started yet')) {
        become({ is: 'STOPPED', why: cause })
      }
    },
  }
}

/** How a program stands before it was started for the first time. */
export const notStarted: ProgramReading = {
  state: { is: 'STOPPED', why: 'not started yet' },
  forMs: 0,
  cause: null,
  release: null,
  restarts: 0,
  lastExit: null,
  health: { is: 'none' },
}

/** Why a run whose processes are still there has to be ended; null: its leader has ended by itself. */
function causeToEnd(exit: Exit): Cause | null {
  switch (exit.is) {
    case 'unhealthy':
      return { by: 'health', why: exit.why }
    case 'too big':
      return { by: 'memory', bytes: exit.bytes }
    default:
      return null
  }
}

/**
 * Ends what a daemon that was killed left running, before a second program is started. Returns what
 * it found.
 */
export async function endLeftovers(site: Site, how: Climbing): Promise<readonly Process[]> {
  const record = readRecord(site.paths.runRecord)
  if (record === null) return []
  const leader = livingLeader(record)
  return clear({ group: leader?.pid ?? null, runId: record.runId }, how)
}
