import { randomUUID } from 'node:crypto'
import type { AfterUpdate, Site } from '../config.ts'
import { healthCheckOf } from '../config-health.ts'
import type { Clock, Log, ProgramState, ReleaseId } from '../model.ts'
import { exitText, shown } from '../phrases.ts'
import { within } from '../system/clock.ts'
import { words } from '../words.ts'
import { runErrand } from './errand.ts'
import { watchHealth } from './health.ts'
import { notStarted, type Program } from './life.ts'
import { type Launch, placeOf } from './run.ts'

/** A program that something else runs, or nothing: the daemon tells it that there is something new in main. */
export type Elsewhere = Program & {
  /** What is done after an update. */
  readonly then: Exclude<AfterUpdate, 'restart'>
  /**
   * Runs the command, if that is what is done, and then the health check for the time of a trial. `stop` ends it,
   * and so does the end of the daemon.
   */
  readonly tell: (release: ReleaseId) => Promise<Heard>
  /** Takes note that main is whole. A unit that is to start after the daemon's waits for this. */
  readonly settle: () => void
}

/** What came of it. `cut`: it was ended first. */
export type Heard =
  | { readonly is: 'well' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'cut' }

/** A program of which the daemon starts nothing: nobody asks it to, or this is no daemon that stays. */
export function openAbsent(state: () => ProgramState, clock: Clock): Program {
  const began = clock.now()
  return {
    state,
    reading: () => ({ ...notStarted, state: state(), forMs: clock.now() - began }),
    start: async () => null,
    stop: async () => undefined,
  }
}

/** Opens the program of a project with `after_update`. `end` aborts when the daemon is to end. */
export function openElsewhere(
  then: Elsewhere['then'],
  launch: Launch,
  site: Site,
  log: Log,
  clock: Clock,
  end: AbortSignal,
): Elsewhere {
  let state: ProgramState = { is: 'STOPPED', why: 'not started yet' }
  let telling: { readonly cut: AbortController; readonly over: Promise<Heard> } | null = null

  function settle(): void {
    state = { is: 'ELSEWHERE' }
  }

  async function runCommand(
    argv: readonly string[],
    release: ReleaseId,
    cut: AbortSignal,
  ): Promise<Heard> {
    const deadlineMs = site.config.program.afterUpdateDeadlineMs
    const env = { ...process.env, OTA_SUPERVISOR_RELEASE: release }
    log.info(words.afterUpdate(release, argv))
    const withDaemon = launch.setpriv === null ? [] : [launch.setpriv, '--pdeathsig', 'KILL', '--']
    const errand = { argv: [...withDaemon, ...argv], env, deadlineMs, who: release }
    const done = await runErrand(errand, site, log, cut)
    if (done.isFlood) log.warn(words.afterUpdateFlood(site.config.hooks.maxOutputBytes))
    if (done.end.is === 'late') return failed(words.afterUpdateLate(argv, deadlineMs))
    if (done.end.is === 'aborted' || done.end.value.is === 'cut') return { is: 'cut' }
    const exit = done.end.value
    if (exit.is === 'code' && exit.code === 0) return prove(release, cut)
    return failed(words.afterUpdateFailed(argv, exitText(exit), shown(done.lastWords)))
  }

  /** Asks the health check, where there is one, for the time of a trial: at its end it must be well. */
  async function prove(release: ReleaseId, cut: AbortSignal): Promise<Heard> {
    if (healthCheckOf(site.config.health) === null) return { is: 'well' }
    const over = new AbortController()
    const asProgram = placeOf(randomUUID(), release, launch, site)
    const watch = watchHealth(site, asProgram, clock, over.signal, (health, before) => {
      const text = words.health(health, before)
      if (text !== null) (health.is === 'failing' ? log.warn : log.info)(text)
    })
    try {
      const early = await within(watch.illness, cut, site.config.trial.ms)
      const well = watch.proven().then(() => null)
      const last =
        early.is === 'late' ? await within(Promise.race([watch.illness, well]), cut) : early
      if (last.is !== 'done') return { is: 'cut' }
      return last.value === null ? { is: 'well' } : failed(words.notWell(exitText(last.value)))
    } finally {
      over.abort()
      await watch.illness
    }
  }

  return {
    ...openAbsent(() => state, clock),
    then,
    settle,
    async tell(release) {
      // Before the command: it may wait for a unit that waits for this.
      settle()
      if (typeof then === 'string') return { is: 'well' }
      const cut = new AbortController()
      const abort = () => cut.abort()
      end.addEventListener('abort', abort)
      if (end.aborted) abort()
      const over = runCommand(then, release, cut.signal)
      telling = { cut, over }
      try {
        return await over
      } finally {
        end.removeEventListener('abort', abort)
        telling = null
      }
    },
    async stop() {
      telling?.cut.abort()
      await telling?.over
    },
  }
}

function failed(why: string): Heard {
  return { is: 'failed', why }
}
