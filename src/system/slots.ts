/** A number of places for what may be done at the same time. Who comes when none is free waits, in order. */
export type Slots = {
  /** Does it when it has a place, and gives that back; null when the signal aborted before. */
  readonly during: <T>(signal: AbortSignal, what: () => Promise<T>) => Promise<T | null>
}

/** Opens them. `many` is asked each time one is free: it may change. */
export function openSlots(many: () => number): Slots {
  let taken = 0
  const waiting = new Set<() => void>()

  /** Lets in who waits longest, as far as there is room. */
  function admit(): void {
    for (const enter of waiting) {
      if (taken >= many()) return
      enter()
    }
  }

  /** True with a place; false when the signal aborted first. */
  function take(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (isIn: boolean) => {
        waiting.delete(enter)
        signal.removeEventListener('abort', giveUp)
        resolve(isIn)
      }
      const enter = () => {
        taken += 1
        leave(true)
      }
      const giveUp = () => leave(false)
      if (signal.aborted) return resolve(false)
      signal.addEventListener('abort', giveUp)
      waiting.add(enter)
      admit()
    })
  }

  return {
    async during(signal, what) {
      if (!(await take(signal))) return null
      try {
        return await what()
      } finally {
        taken -= 1
        admit()
      }
    },
  }
}
