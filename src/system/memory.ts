import { readProc } from './processes.ts'

/**
 * The memory of a process in bytes, resident and swapped out, with all that it shares with others: never
 * less than its true part, and cheap to ask.
 */
export function wholeMemory(pid: number): number {
  return kilobytes(readProc(pid, 'status'), 'VmRSS', 'VmSwap') * 1_024
}

/**
 * The same, but of what it shares only its part: the sum over a family of forked processes is what they
 * really occupy. The kernel walks through all of its pages for that, and tells it only to the same user:
 * where it does not, it is the whole.
 */
export function ownMemory(pid: number): number {
  const text = readProc(pid, 'smaps_rollup')
  return text === null ? wholeMemory(pid) : kilobytes(text, 'Pss', 'SwapPss') * 1_024
}

function kilobytes(text: string | null, ...names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')
    return sum + Number(found?.[1] ?? 0)
  }, 0)
}
