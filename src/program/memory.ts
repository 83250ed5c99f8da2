import type { Site } from '../config.ts'
import type { Clock, Exit } from '../model.ts'
import { ownMemory, wholeMemory } from '../system/memory.ts'
import type { Process } from '../system/processes.ts'

/**
 * Looks at the program's memory from time to time. Resolves when it was too much several times in a
 * row, with null when `end` aborts first. The settings may change meanwhile.
 */
export async function watchMemory(
  processes: () => readonly Process[],
  site: Site,
  clock: Clock,
  end: AbortSignal,
): Promise<Exit | null> {
  let inARow = 0
  for (;;) {
    await clock.sleep(site.config.program.memoryIntervalMs, end)
    if (end.aborted) return null
    const { maxMemoryBytes, memorySamples } = site.config.program
    const bytes = maxMemoryBytes === 0 ? 0 : memoryAbove(maxMemoryBytes, processes())
    inARow = bytes > 0 ? inARow + 1 : 0
    if (inARow > 0 && inARow >= memorySamples) {
      return { is: 'too big', bytes, maxBytes: maxMemoryBytes }
    }
  }
}

/**
 * The bytes that the processes occupy together if it is more than `limit`, else 0. What forked workers
 * share is counted once; but that is dear to ask, and only done when it may matter.
 */
export function memoryAbove(limit: number, processes: readonly Process[]): number {
  const sum = (of: (pid: number) => number) =>
    processes.reduce((bytes, { pid }) => bytes + of(pid), 0)
  if (sum(wholeMemory) <= limit) return 0
  const bytes = sum(ownMemory)
  return bytes > limit ? bytes : 0
}
