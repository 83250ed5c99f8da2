import { setTimeout as timeout } from 'node:timers/promises'
import type { Clock } from '../model.ts'

/**
 * The real clock. A Pi has no battery for its clock: it wakes in the past and jumps forward, so every
 * wait and every "how long" is measured by `now`, which starts with the process and never jumps.
 */
export const clock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  async sleep(ms, signal) {
    try {
      await timeout(ms, undefined, signal === undefined ? {} : { signal })
    } catch {
      // Aborted: the caller looks at its signal.
    }
  },
}

/**
 * A signal that aborts with the first of these, or after `ms`, which `renew` begins anew: so what goes on
 * may take long. After `clear` it does not abort any more, and nothing of it stays. Of each `AbortSignal.any` something stays with its signals in Node 20, and
 * `AbortSignal.timeout` in it is forgotten at the next garbage collection.
 */
export function withDeadline(
  ms: number,
  ...signals: readonly AbortSignal[]
): { readonly signal: AbortSignal; readonly renew: () => void; readonly clear: () => void } {
  const over = new AbortController()
  const abort = () => over.abort()
  let timer: NodeJS.Timeout | null = setTimeout(abort, ms)
  for (const signal of signals) {
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  }
  return {
    signal: over.signal,
    renew() {
      if (timer === null) return
      clearTimeout(timer)
      timer = setTimeout(abort, ms)
    },
    clear() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      for (const signal of signals) signal.removeEventListener('abort', abort)
    },
  }
}

/**
 * The wall clock's time at a moment of the monotonic clock, ISO 8601. A Pi's wall clock jumps when it
 * finds the network: only counting back from now gives a time that fits the others.
 */
export function timeAgo(moment: number, { now, wall }: Clock): string {
  return new Date(wall().getTime() - (now() - moment)).toISOString()
}

/** What came first in `within`. */
export type First<T> =
  | { readonly is: 'done'; readonly value: T }
  | { readonly is: 'aborted' }
  | { readonly is: 'late' }

/**
 * Waits for a promise, but not past the signal and not longer than `ms` (without it: no limit).
 * Unlike `Promise.race` on a long-lived signal it leaves no listener and no timer behind; on the promise
 * it leaves as much as `then` does. What is waited for often: `Lasting`.
 */
export function within<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  ms?: number,
): Promise<First<T>> {
  return new Promise((resolve, reject) => {
    const timer = ms === undefined ? undefined : setTimeout(() => finish({ is: 'late' }), ms)
    const onAbort = () => finish({ is: 'aborted' })
    function finish(first: First<T>) {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(first)
    }
    signal.addEventListener('abort', onAbort)
    promise.then(
      (value) => finish({ is: 'done', value }),
      (error: unknown) => {
        reject(error)
        finish({ is: 'aborted' })
      },
    )
    if (signal.aborted) onAbort()
  })
}

/**
 * Does something for `ms` at most, and not past `end`. Its signal aborts then, and it is waited for: it
 * must settle soon after. Nothing is begun after `end`.
 */
export async function atMost<T>(
  ms: number,
  end: AbortSignal,
  what: (cut: AbortSignal) => Promise<T>,
): Promise<First<T>> {
  if (end.aborted) return { is: 'aborted' }
  const cut = new AbortController()
  const doing = what(cut.signal)
  const first = await within(doing, end, ms)
  if (first.is === 'done') return first
  cut.abort()
  await doing.catch(() => undefined)
  return first
}
