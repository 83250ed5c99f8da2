import type { Clock } from '../model.ts'
import { wholeMemory } from '../system/memory.ts'
import { membersOf, readProc } from '../system/processes.ts'

/** What a process group uses. */
export type Usage = {
  /** 100 is one core. */
  readonly cpuPercent: number
  /** With what is swapped out. Pages that several of its processes share count for each of them. */
  readonly rssBytes: number
}

/** Measures a process group (by its leader's number) over `ms`; null when nobody is there. */
export async function usageOf(group: number, ms: number, clock: Clock): Promise<Usage | null> {
  const first = timesOf(group)
  const began = clock.now()
  await clock.sleep(ms)
  const second = timesOf(group)
  if (second.size === 0) return null
  // Who came meanwhile counts from nothing, who went is not counted.
  const used = [...second].map(([pid, ticks]) => ticks - (first.get(pid) ?? 0))
  const cpuMs = used.reduce((sum, ticks) => sum + ticks, 0) * msPerTick
  return {
    cpuPercent: Math.round((1_000 * cpuMs) / (clock.now() - began)) / 10,
    rssBytes: [...second.keys()].reduce((sum, pid) => sum + wholeMemory(pid), 0),
  }
}

/** USER_HZ is 100 on every Linux that programs see: time(7). */
const msPerTick = 10

/** Ticks of the processor that each member has used: utime and stime of proc(5). */
function timesOf(group: number): ReadonlyMap<number, number> {
  return new Map(membersOf(group).map(({ pid }) => [pid, ticksOf(pid)]))
}

function ticksOf(pid: number): number {
  const stat = readProc(pid, 'stat') ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}
