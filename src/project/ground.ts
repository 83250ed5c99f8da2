import type { Site } from '../config.ts'
import { hintOf, isExpected, messageOf } from '../errors.ts'
import type { Cause, Clock, Log, Outcome, Release, ReleaseId } from '../model.ts'
import type { Elsewhere } from '../program/elsewhere.ts'
import type { FirstRun, Program } from '../program/life.ts'
import type { Ahead } from '../python/check.ts'
import type { Interpreter } from '../python/interpreter.ts'
import type { Packages } from '../python/packages.ts'
import { forgetUses } from '../python/uses.ts'
import type { GitSource } from '../source/git/git.ts'
import type { Bustle } from '../system/bustle.ts'
import { collectGarbage } from '../system/garbage.ts'
import { dropOldestJournal } from '../update/journals.ts'
import { storeStage } from '../update/store.ts'
import { keptIn, tidy } from '../update/tidy.ts'
import { words } from '../words.ts'
import { releaseWords } from '../words-release.ts'
import type { Hooks } from './hooks.ts'
import type { Obstacle } from './obstacle.ts'
import type { Orders } from './orders.ts'
import { choosePackages } from './packages.ts'
import { isWanted } from './wanted.ts'

/** What every part of a project's road stands on. */
export type Ground = {
  readonly site: Site
  readonly program: Program
  /** The same, where something else runs it; null: the daemon does. */
  readonly elsewhere: Elsewhere | null
  /** True for an update without a daemon: the next daemon starts the program. */
  readonly isPass: boolean
  /** The bare interpreter: what the daemon itself asks Python for. */
  readonly python: Interpreter
  /** What the program is run with. */
  readonly packages: Packages
  /** Main, where it is a checkout of git. */
  readonly git: GitSource
  readonly obstacle: Obstacle
  /** Starts the check of a release ahead of time. */
  readonly ahead: Ahead
  readonly log: Log
  /** Tells the uploader. */
  readonly answer: (text: string) => void
  readonly clock: Clock
  /** Aborts when the daemon is to end. Apply and undo do not look at it. */
  readonly shutdown: AbortSignal
  readonly orders: Orders
  /**
   * Whether this project is in the midst of a release, and when none of the daemon's is. One that waits for
   * something, such as space, does not count.
   */
  readonly bustle: Pick<Bustle, 'calm'> & { readonly note: (isBusy: boolean) => void }
  /** Of an update without a daemon: true when it is over, and a reboot may follow. */
  readonly rebootsAtEnd: () => boolean
  /** Tells the hooks what has happened. */
  readonly tell: Hooks['tell']
}

/**
 * What came of a start. `held`: the operator has stopped the program, and it stays so; or the next daemon starts
 * it. `elsewhere`: something else runs it, and is yet to be told.
 */
export type Started =
  | { readonly is: 'running'; readonly run: FirstRun }
  | { readonly is: 'no program' | 'held' | 'ending' }
  | { readonly is: 'elsewhere'; readonly elsewhere: Elsewhere }

/** Starts the program, unless the daemon is ending, the operator has stopped it, or there is none. */
export async function startProgram(release: ReleaseId, cause: Cause, on: Ground): Promise<Started> {
  if (on.shutdown.aborted) return { is: 'ending' }
  if (isHeld(on)) {
    await on.program.stop({ by: 'operator', does: 'stop' })
    return { is: 'held' }
  }
  await choosePackages(on)
  if (on.elsewhere !== null) return { is: 'elsewhere', elsewhere: on.elsewhere }
  const run = await on.program.start(release, cause)
  if (run !== null) return { is: 'running', run }
  on.log.error(words.noMain(on.site.paths.main, on.site.paths.deposit))
  return { is: 'no program' }
}

/** True while the program is not to be started. What something else runs is never held back. */
export function isHeld({ site, elsewhere, isPass }: Ground): boolean {
  return elsewhere === null && (isPass || !isWanted(site))
}

/** How long the program has been down, in milliseconds; one that something else runs was never stopped. */
export function downSince(stoppedAt: number, { elsewhere, clock }: Ground): number {
  return elsewhere === null ? clock.now() - stoppedAt : 0
}

/** The one end of every release: its outcome on disk, in the history and in the log. */
export async function endRelease(
  release: Release,
  outcome: Outcome,
  downtimeMs: number,
  on: Ground,
): Promise<void> {
  const ended = { stage: 'ended', release, outcome, downtimeMs } as const
  // Before the stage: afterwards nothing of it is done again.
  if (outcome.result !== 'committed') await on.git.follow(release, false)
  if (outcome.result === 'rolled-back')
    await patiently(release.id, on, () => forgetUses(release.id, on.site))
  await patiently(release.id, on, () => storeStage(ended, on.site))
  // Apart from it: tidying removes the folder in the end, and then there is no place for a stage.
  await patiently(release.id, on, () => tidy(ended, on.site))
  const text = releaseWords.outcome(ended, keptIn(release.id, on.site), running(on))
  on.answer(text)
  if (outcome.result === 'committed') on.log.info(text)
  else on.log.error(text)
  const { result: event, ...reason } = outcome
  on.tell({ event, release, ...reason, downtimeMs: Math.round(downtimeMs) })
  if (release.files >= on.site.config.update.manyFiles) collectGarbage()
}

/** The release that the running program is of; null when none is running. */
function running({ program }: Ground): ReleaseId | null {
  const { state, release } = program.reading()
  return state.is === 'STARTING' || state.is === 'RUNNING' ? release : null
}

/** On a full disk: an old journal matters less than what is to come. */
export async function makeRoom(on: Ground): Promise<void> {
  const dropped = await dropOldestJournal(on.site)
  if (dropped !== null) on.log.warn(releaseWords.journalDropped(dropped))
}

/**
 * Does what must be done before anything else may be, again and again while the system says no (a
 * full disk). Throws the shutdown's reason when the daemon ends first: the stage on disk then tells
 * the next start to go on with it.
 */
export async function patiently<T>(
  id: ReleaseId,
  on: Ground,
  what: () => T | Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      const done = await what()
      on.obstacle.pass()
      return done
    } catch (error) {
      if (!isExpected(error)) throw error
      const text = releaseWords.stuck(id, messageOf(error), hintOf(error))
      if (on.obstacle.meet(id, text)) on.log.error(text)
    }
    on.shutdown.throwIfAborted()
    await on.clock.sleep(on.site.config.update.retryMs, on.shutdown)
  }
}
