import type { Clock, Exit, OnTrial } from '../model.ts'
import { within } from '../system/clock.ts'
import { words } from '../words.ts'

/** The releases that have yet to prove themselves, and what their common trial comes to. */
export type Trial = {
  /** Oldest first. The one running is the last; the others were on trial when it came. */
  readonly releases: readonly [...OnTrial[], OnTrial]
  readonly verdict: Promise<Verdict>
}

/** `cut`: the daemon ends first, and the trial goes on at its next start. */
export type Verdict =
  | { readonly is: 'passed'; readonly note?: string }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'cut' }

/**
 * Watches a run for `ms`. Staying up passes, and so does exit 0: a job that is done. With no main.py
 * (`run` is null) there is nothing to watch. Any other end fails.
 */
export async function judge(
  run: { exit: Promise<Exit> } | null,
  ms: number,
  clock: Clock,
  shutdown: AbortSignal,
): Promise<Verdict> {
  if (shutdown.aborted) return { is: 'cut' }
  if (run === null) return { is: 'passed', note: words.noteNoProgram }
  const began = clock.now()
  const first = await within(run.exit, shutdown, ms)
  if (first.is === 'aborted') return { is: 'cut' }
  if (first.is === 'late') return { is: 'passed' }
  const exit = first.value
  if (exit.is === 'code' && exit.code === 0) return { is: 'passed', note: words.noteReached }
  return { is: 'failed', why: words.trialFailed(exit, clock.now() - began) }
}
