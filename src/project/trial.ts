import type { Cause, Clock, Exit, OnTrial, ReleaseId } from '../model.ts'
import type { Elsewhere } from '../program/elsewhere.ts'
import { type First, within } from '../system/clock.ts'
import { type Lasting, lasting } from '../system/lasting.ts'
import { packageWords } from '../words-packages.ts'
import { releaseWords } from '../words-release.ts'
import { type Ground, type Started, startProgram } from './ground.ts'

/** The releases that have yet to prove themselves, and what their common trial comes to. */
export type Trial = {
  /** Oldest first. The one running is the last; the others were on trial when it came. */
  readonly releases: readonly [...OnTrial[], OnTrial]
  /**
   * Null while it has not begun: the operator keeps the program down, or its packages are gone and
   * cannot be had. It begins when he starts it, or they are there again.
   */
  readonly verdict: Lasting<Verdict> | null
}

/** `cut`: the daemon ends first, and the trial goes on at its next start. */
export type Verdict =
  | { readonly is: 'passed'; readonly note?: string }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'cut' }

/** Starts what is in main, and its trial. */
export async function beginTrial(
  releases: Trial['releases'],
  cause: Cause,
  on: Ground,
): Promise<Trial> {
  return watchTrial(releases, await startProgram(newestOf(releases).release.id, cause, on), on)
}

/**
 * The trial of what has just been started, or is held. Without its packages a program proves nothing, and
 * a network that is gone is not its fault.
 */
export function watchTrial(releases: Trial['releases'], started: Started, on: Ground): Trial {
  if (started.is === 'held') return { releases, verdict: null }
  const { id } = newestOf(releases).release
  if (on.packages.lacking() !== null) {
    on.log.warn(packageWords.trialWaits(id))
    return { releases, verdict: null }
  }
  const verdict =
    started.is === 'elsewhere'
      ? hear(started.elsewhere, id)
      : judge(started, on.site.config.trial.ms, on.clock, on.shutdown)
  return { releases, verdict: lasting(verdict) }
}

/** Tells whoever runs the program of the release: his answer is the verdict. */
async function hear(elsewhere: Elsewhere, id: ReleaseId): Promise<Verdict> {
  const heard = await elsewhere.tell(id)
  return heard.is === 'well' ? { is: 'passed' } : heard
}

/** The release that a trial is about, in the first place: the one running. */
export function newestOf(releases: Trial['releases']): OnTrial {
  // The type says that there is one.
  return releases.at(-1) ?? releases[0]
}

/**
 * Watches a run for `ms`. Staying up passes, once its health checks have shown that it is well, and so
 * does exit 0: a job that is done. With no main.py there is nothing to watch. Any other end fails: also
 * the one that the daemon makes because the program is not well, or takes too much memory.
 */
async function judge(
  started: Exclude<Started, { is: 'held' | 'elsewhere' }>,
  ms: number,
  clock: Clock,
  shutdown: AbortSignal,
): Promise<Verdict> {
  if (started.is === 'no program') return { is: 'passed', note: releaseWords.noteNoProgram }
  if (started.is !== 'running' || shutdown.aborted) return { is: 'cut' }
  const { run } = started
  const began = clock.now()
  let first: First<Exit | 'proven'> = await within(run.exit, shutdown, ms)
  if (first.is === 'late') {
    // One of the two comes: checks that go on failing end the run.
    const proven = run.proven().then(() => 'proven' as const)
    first = await within(Promise.race([run.exit, proven]), shutdown)
  }
  if (first.is !== 'done') return { is: 'cut' }
  const exit = first.value
  if (exit === 'proven') return { is: 'passed' }
  if (exit.is === 'code' && exit.code === 0) return { is: 'passed', note: releaseWords.noteReached }
  const upMs = clock.now() - began
  // The end that the daemon makes of a program is not in its words.
  const isOwn = exit.is === 'code' || exit.is === 'signal'
  const said = isOwn ? await run.lastWords() : null
  return { is: 'failed', why: releaseWords.trialFailed(exit, upMs, said) }
}
