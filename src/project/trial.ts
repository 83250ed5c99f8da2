import type { Cause, Clock, OnTrial } from '../model.ts'
import { within } from '../system/clock.ts'
import { words } from '../words.ts'
import { type Ground, type Started, startProgram } from './ground.ts'

/** The releases that have yet to prove themselves, and what their common trial comes to. */
export type Trial = {
  /** Oldest first. The one running is the last; the others were on trial when it came. */
  readonly releases: readonly [...OnTrial[], OnTrial]
  /** Null while the operator keeps the program down: then the trial begins when he starts it. */
  readonly verdict: Promise<Verdict> | null
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

/** The trial of what has just been started, or is held. */
export function watchTrial(releases: Trial['releases'], started: Started, on: Ground): Trial {
  if (started.is === 'held') return { releases, verdict: null }
  return { releases, verdict: judge(started, on.site.config.trial.ms, on.clock, on.shutdown) }
}

/** The release that a trial is about, in the first place: the one running. */
export function newestOf(releases: Trial['releases']): OnTrial {
  // The type says that there is one.
  return releases.at(-1) ?? releases[0]
}

/**
 * Watches a run for `ms`. Staying up passes, and so does exit 0: a job that is done. With no main.py
 * there is nothing to watch. Any other end fails.
 */
async function judge(
  run: Exclude<Started, { is: 'held' }>,
  ms: number,
  clock: Clock,
  shutdown: AbortSignal,
): Promise<Verdict> {
  if (run.is === 'no program') return { is: 'passed', note: words.noteNoProgram }
  if (run.is !== 'running' || shutdown.aborted) return { is: 'cut' }
  const began = clock.now()
  const first = await within(run.exit, shutdown, ms)
  if (first.is === 'aborted') return { is: 'cut' }
  if (first.is === 'late') return { is: 'passed' }
  const exit = first.value
  if (exit.is === 'code' && exit.code === 0) return { is: 'passed', note: words.noteReached }
  return { is: 'failed', why: words.trialFailed(exit, clock.now() - began) }
}
