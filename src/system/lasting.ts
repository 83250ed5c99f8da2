import { type First, within } from './clock.ts'

/**
 * A promise that is waited for again and again before it settles: an upload may take days to come. Each
 * `then`, `await` and `Promise.race` stays with a promise until it settles, and so does all they know of.
 * Of who waits for this in `earliest`, and goes, nothing stays.
 */
export type Lasting<T> = {
  readonly promise: Promise<T>
  readonly isSettled: () => boolean
  /** Calls `wake` as soon as it has settled; the answer takes that back. */
  readonly join: (wake: () => void) => () => void
}

/** Makes a promise one that can be waited for often. Its failure is for who waits next. */
export function lasting<T>(promise: Promise<T>): Lasting<T> {
  let isSettled = false
  const waiting = new Set<() => void>()
  function settle(): void {
    isSettled = true
    for (const wake of waiting) wake()
    waiting.clear()
  }
  promise.then(settle, settle)
  return {
    promise,
    isSettled: () => isSettled,
    join(wake) {
      if (isSettled) wake()
      else waiting.add(wake)
      return () => waiting.delete(wake)
    },
  }
}

/** Waits for the first of them, but not past the signal and not longer than `ms` (without it: no limit). */
export async function earliest<T>(
  all: readonly Lasting<T>[],
  signal: AbortSignal,
  ms?: number,
): Promise<First<T>> {
  let leave: readonly (() => void)[] = []
  const settled = new Promise<Lasting<T>>((resolve) => {
    leave = all.map((one) => one.join(() => resolve(one)))
  })
  const first = await within(settled, signal, ms)
  for (const go of leave) go()
  return first.is === 'done' ? { is: 'done', value: await first.value.promise } : first
}
