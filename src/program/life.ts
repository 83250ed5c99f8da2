import { join } from 'node:path'
import type { Site } from '../config.ts'
import type { Cause, Clock, Exit, Log, ProgramState, ReleaseId } from '../model.ts'
import { within } from '../system/clock.ts'
import type { Process } from '../system/processes.ts'
import { words } from '../words.ts'
import { type Climbing, clear, stopLadder } from './ladder.ts'
import { livingLeader, readRecord } from './record.ts'
import { afterExit, count, type Deaths, noDeaths } from './restart.ts'
import { type Launch, type Run, startRun } from './run.ts'

/** The supervised program. There is one process of it at most, and one writer of its state. */
export type Program = {
  readonly state: () => ProgramState
  /**
   * Starts it, and from then on restarts it when it crashes. The answer is the end of its first
   * run, for a trial; null when there is no main.py to run.
   */
  readonly start: (release: ReleaseId, cause: Cause) => Promise<{ exit: Promise<Exit> } | null>
  /** Stops it for good; resolves when no process of it is left. */
  readonly stop: (cause: Cause) => Promise<void>
}

/** A program that is wanted: the loop that keeps it alive, and the way to end that. */
type Life = { readonly end: AbortController; readonly over: Promise<void> }

/** `hasten`, when it aborts, ends every polite wait. */
export function openProgram(
  launch: Launch,
  site: Site,
  log: Log,
  clock: Clock,
  hasten: AbortSignal,
): Program {
  const limits = site.config.program
  const how: Climbing = {
    limits,
    clock,
    hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  }
  let state: ProgramState = { is: 'STOPPED', why: 'not started yet' }
  let life: Life | null = null
  let stopCause: Cause = { by: 'shutdown' }

  function become(next: ProgramState): void {
    state = next
    const text = words.state(next)
    if (text === null) return
    if (next.is === 'FATAL' || next.is === 'BACKOFF') log.error(text)
    else log.info(text)
  }

  /** Keeps the program alive until the signal aborts or it has done its job. */
  async function live(
    first: Run,
    release: ReleaseId,
    cause: Cause,
    end: AbortSignal,
  ): Promise<void> {
    let deaths: Deaths = noDeaths
    let run = first
    let why = cause
    for (;;) {
      const began = clock.now()
      const exit = await watchRun(run, release, why, end)
      await endRun(run, exit)
      if (exit === null || end.aborted) return become({ is: 'STOPPED', why: stopCause })
      deaths = count(deaths, clock.now(), clock.now() - began, limits)
      const next = afterExit(exit, deaths, limits, Math.random())
      if (next.do === 'rest') return become({ is: 'EXITED', last: exit })
      become({ is: next.state, last: exit, waitMs: next.waitMs })
      await clock.sleep(next.waitMs, end)
      if (end.aborted) return become({ is: 'STOPPED', why: stopCause })
      if (!hasEntry()) return rest()
      why = { by: 'retry', after: exit }
      run = await startRun(launch, release, site, log)
    }
  }

  /** STARTING, RUNNING, and then its end; null when it is to be stopped first. */
  async function watchRun(
    { pid, exit }: Run,
    release: ReleaseId,
    cause: Cause,
    end: AbortSignal,
  ): Promise<Exit | null> {
    become({ is: 'STARTING', pid, release, cause })
    const early = await within(exit, end, limits.startMs)
    if (early.is === 'done') return early.value
    if (early.is === 'aborted') return null
    become({ is: 'RUNNING', pid, release, cause })
    const late = await within(exit, end)
    return late.is === 'done' ? late.value : null
  }

  /** Ends all that is left of a run; `exit` is null when its leader still lives. */
  async function endRun(run: Run, exit: Exit | null): Promise<void> {
    if (run.pid === 0) return
    if (exit === null) {
      become({ is: 'STOPPING', pid: run.pid, cause: stopCause })
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
    async start(release, cause) {
      if (!hasEntry()) {
        rest()
        return null
      }
      const run = await startRun(launch, release, site, log)
      const end = new AbortController()
      life = { end, over: live(run, release, cause, end.signal) }
      return run
    },
    async stop(cause) {
      const ending = life
      life = null
      stopCause = cause
      ending?.end.abort()
      await ending?.over
    },
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
