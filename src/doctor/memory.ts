import { disk } from '../system/disk.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'
import { appendLine, inTurn, rootLine } from './line.ts'
import type { Machine } from './patient.ts'

/** Is there memory left? Where there is none the kernel ends the program. */
export const memory: Check = {
  name: 'memory',
  look: async (machine) => {
    const text = await disk.readText('/proc/meminfo')
    return text === null ? [] : [judgeMemory(text, machine)]
  },
}

/** `meminfo` is the text of /proc/meminfo. */
export function judgeMemory(meminfo: string, machine: Machine): Finding {
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * 1_024
  const left = bytes('MemAvailable') + bytes('SwapFree')
  if (left >= machine.config.doctor.lowMemoryBytes) return ok('memory', doctorWords.memory(left))
  const hasSwap = bytes('SwapTotal') > 0
  return warning(
    'memory',
    doctorWords.lowMemory(left, hasSwap),
    hasSwap ? undefined : addSwap(machine),
  )
}

/** A swap file, now and after every boot. */
function addSwap(machine: Machine): string {
  const file = '/swapfile'
  const make = [
    ['fallocate', '-l', '512M', file],
    ['chmod', '600', file],
    ['mkswap', file],
    ['swapon', file],
  ]
  return inTurn(
    ...make.map((words) => rootLine(machine, words)),
    appendLine(machine, `${file} none swap sw 0 0`, '/etc/fstab'),
  )
}
