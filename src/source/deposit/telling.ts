import type { Site } from '../../config.ts'
import type { Clock, Hold, Log } from '../../model.ts'
import { words } from '../../words.ts'

/** Says what the deposit waits for, and what is wrong with it. */
export type Telling = {
  /** Tells a reason to wait. */
  readonly hold: (hold: Hold) => void
  /** Tells that a complete upload cannot be claimed. */
  readonly unclaimed: (hold: Hold) => void
  /** Warns of what keeps the deposit from being looked at. */
  readonly trouble: (text: string) => void
  /** Warns that events do not come. It is found out with each new watch, so it is never over. */
  readonly deaf: (text: string) => void
  /** Forgets what has passed, so that it is told when it comes again. */
  readonly over: (what: 'hold' | 'unclaimed' | 'trouble') => void
}

/**
 * Opens it. What lasts is said when it begins and then every `holdLogMs`; to the uploader only when it
 * begins, for his file is short and what became of his uploads must stay in it.
 */
export function openTelling(
  { config }: Site,
  log: Log,
  answer: (text: string) => void,
  clock: Clock,
): Telling {
  const told = { hold: new Map(), unclaimed: new Map(), trouble: new Map(), deaf: new Map() }

  /** Tells whether something is to be said now; its `key` is what makes it another thing. */
  function due(times: Map<string, number>, key: string): 'first' | 'again' | 'no' {
    const at = times.get(key)
    const now = clock.now()
    if (at !== undefined && now - at < config.deposit.holdLogMs) return 'no'
    times.set(key, now)
    return at === undefined ? 'first' : 'again'
  }

  function say(times: Map<string, number>, key: string, hold: Hold, write: Log['info']): void {
    const when = due(times, key)
    if (when === 'no') return
    const text = words.hold(hold)
    write(text)
    if (when === 'first') answer(text)
  }

  function warn(times: Map<string, number>, text: string): void {
    if (due(times, text) !== 'no') log.warn(text)
  }

  return {
    hold(hold) {
      // The quiet period is over before anyone could read of it.
      if (hold.because === 'quiet' && !hold.isGuess) return
      say(told.hold, isPassing(hold) ? hold.because : words.hold(hold), hold, log.info)
    },
    unclaimed: (hold) => say(told.unclaimed, words.hold(hold), hold, log.error),
    trouble: (text) => warn(told.trouble, text),
    deaf: (text) => warn(told.deaf, text),
    over: (what) => told[what].clear(),
  }
}

/** True for what names another file with each file of an upload: it is told once for all of them. */
function isPassing(hold: Hold): boolean {
  if (hold.because === 'manifest') return hold.missing > 0
  return ['temporary', 'writer', 'session', 'connection'].includes(hold.because)
}
