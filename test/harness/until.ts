import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again and again until the answer is null: nothing is missing any more. After `ms` it fails
 * with the last answer, which says what is.
 */
export async function untilNothing(
  missing: () => string | null | Promise<string | null>,
  ms = 60_000,
): Promise<void> {
  const end = performance.now() + ms
  for (;;) {
    const answer = await missing()
    if (answer === null) return
    if (performance.now() > end) throw new Error(`after ${ms} ms: ${answer}`)
    await sleep(10)
  }
}
