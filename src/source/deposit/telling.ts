import type { Site } from '../../config.ts'
import type { Clock, Hold, Log } from '../../model.ts'
import { depositWords } from '../../words-deposit.ts'
import type { Answer } from './result.ts'

/** Says what the deposit waits for, and what is wrong with it. */
export type Telling = {
  /** Tells a reason to wait. */
  readonly hold: (hold: Hold) => void
  /** Takes note that there is none any more. */
  readonly noHold: () => void
  /** Warns of what keeps the deposit from being looked at. */
  readonly trouble: (text: string) => void
  /** Takes note that it could be looked at. */
  readonly noTrouble: () => void
  /** Warns that events do not come. It is found out anew with each watch, so it is never over. */
  readonly deaf: (text: string) => void
}

/** Opens it. What lasts is logged when it begins, and then every `holdLogMs`. */
export function openTelling({ config }: Site, log: Log, answer: Answer, clock: Clock): Telling {
  const holds = new Map<string, number>()
  const troubles = new Map<string, number>()
  const deafness = new Map<string, number>()
  /** What the uploader reads now, and since when. */
  let shown = { text: '', at: 0 }
  /** Since when nothing but the quiet period is waited for. */
  let quietSince: number | null = null

  /** True while the quiet period has only begun: mostly it is over before anyone could read of it. */
  function isBrief(hold: Hold): boolean {
    if (hold.because !== 'quiet' || hold.isGuess) {
      quietSince = null
      return false
    }
    quietSince ??= clock.now()
    return clock.now() - quietSince < config.deposit.holdLogMs
  }

  /** Tells whether something is to be logged now; its `key` is what makes it another thing. */
  function isDue(logged: Map<string, number>, key: string): boolean {
    const at = logged.get(key)
    const now = clock.now()
    if (at !== undefined && now - at < config.deposit.holdLogMs) return false
    logged.set(key, now)
    return true
  }

  function warn(logged: Map<string, number>, text: string): void {
    if (isDue(logged, text)) log.warn(text)
  }

  function show(text: string, isPassing: boolean): void {
    const now = clock.now()
    if (text === shown.text || (isPassing && now - shown.at < config.deposit.resultMs)) return
    shown = { text, at: now }
    answer.waits(text)
  }

  return {
    hold(hold) {
      if (isBrief(hold)) return
      const text = depositWords.hold(hold)
      const passes = isPassing(hold)
      show(text, passes && shown.text !== '')
      // The network may be gone for days.
      if (hold.because === 'unreachable' && holds.has(text)) return
      if (!isDue(holds, passes ? hold.because : text)) return
      if (hold.because === 'unclaimed') log.error(text)
      else log.info(text)
    },
    noHold() {
      shown = { text: '', at: 0 }
      quietSince = null
      holds.clear()
      answer.waits(null)
    },
    trouble: (text) => warn(troubles, text),
    noTrouble: () => troubles.clear(),
    deaf: (text) => warn(deafness, text),
  }
}

/** True for what reads differently with each file of an upload: it is logged once for all of them. */
function isPassing(hold: Hold): boolean {
  if (hold.because === 'manifest') return hold.missing > 0
  return ['temporary', 'writer', 'session', 'connection'].includes(hold.because)
}
