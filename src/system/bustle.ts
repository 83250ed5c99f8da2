/** Who is in the midst of something that should not be cut off, and when nobody is. */
export type Bustle = {
  /** One more who may be: whether he is just now, he notes by what this answers. */
  readonly enter: () => (isBusy: boolean) => void
  /** Resolves when the last who is busy has become calm, after this was called; or the signal aborts. */
  readonly calm: (signal: AbortSignal) => Promise<void>
}

/** Opens it: nobody is busy. */
export function openBustle(): Bustle {
  const busy = new Set<object>()
  const waiting = new Set<() => void>()
  return {
    enter() {
      const me = {}
      return (isBusy) => {
        if (isBusy) busy.add(me)
        else if (busy.delete(me) && busy.size === 0) for (const tell of waiting) tell()
      }
    },
    calm: (signal) =>
      new Promise((resolve) => {
        const leave = () => {
          waiting.delete(leave)
          signal.removeEventListener('abort', leave)
          resolve()
        }
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', leave)
        waiting.add(leave)
      }),
  }
}
