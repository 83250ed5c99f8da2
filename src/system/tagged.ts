import { searchTag, signal } from './processes.ts'

/** A process that not even SIGKILL ends, stuck in the kernel, is not waited for any longer than this. */
const killMs = 10_000
const pollMs = 20

/**
 * Kills all processes that carry `NAME=value` in their environment, and waits until nobody is left: what
 * somebody still writes into must not be taken for done. The answer is how many there were.
 */
export async function endTagged(name: string, value: string): Promise<number> {
  const search = searchTag(name, value)
  const found = search()
  let left = found
  for (let waitedMs = 0; left.length > 0 && waitedMs < killMs; waitedMs += pollMs) {
    for (const { pid } of left) signal(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    left = search()
  }
  return found.length
}
