import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from './now.ts'

/** The name of the tag in the environment of everything that a run of the bench starts. */
export const tagName = 'BENCH_RUN'

/** Processes and all that descends from them, apart from the branches of `without`. */
export function family(roots: readonly number[], without: ReadonlySet<number>): number[] {
  const children = new Map<number, number[]>()
  for (const pid of allPids()) {
    const parent = Number(statOf(pid)[1] ?? 0)
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found: number[] = []
  const open = [...roots]
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (without.has(pid) || !isLiving(pid)) continue
    found.push(pid)
    open.push(...(children.get(pid) ?? []))
  }
  return found
}

/** True while a process lives; a zombie does not. */
function isLiving(pid: number): boolean {
  const [state = ''] = statOf(pid)
  return state !== '' && !/^[ZX]/.test(state)
}

/** Resident memory of processes now, in MiB. */
export function residentMib(pids: readonly number[]): number {
  return sumOf(pids, /^VmRSS:\s+(\d+) kB$/m) / 1024
}

/** The most resident memory each of the processes ever had, in MiB, added up. */
export function peakMib(pids: readonly number[]): number {
  return sumOf(pids, /^VmHWM:\s+(\d+) kB$/m) / 1024
}

/** Processor time that the living threads of processes have used so far, in milliseconds. */
export function processorMs(pids: readonly number[]): number {
  let sum = 0
  for (const pid of pids) {
    for (const thread of names(`/proc/${pid}/task`)) {
      sum += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0) / 1e6
    }
  }
  return sum
}

/** Open descriptors of processes. */
export function openDescriptors(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + names(`/proc/${pid}/fd`).length, 0)
}

/** Sends a signal to processes and waits until they are gone; after `ms` it kills those that are not. */
export async function endProcesses(
  pids: readonly number[],
  signal: NodeJS.Signals,
  ms = 10_000,
): Promise<void> {
  for (const pid of pids) send(pid, signal)
  const end = now() + ms
  while (pids.some(isLiving)) {
    if (now() > end) for (const pid of pids) send(pid, 'SIGKILL')
    await sleep(10)
  }
}

/** The living processes that carry this run's tag in their environment, other than this one. */
export function tagged(run: string): number[] {
  return allPids().filter(
    (pid) =>
      pid !== process.pid &&
      isLiving(pid) &&
      `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${tagName}=${run}\0`),
  )
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}

function sumOf(pids: readonly number[], pattern: RegExp): number {
  return pids.reduce(
    (sum, pid) => sum + Number(pattern.exec(read(`/proc/${pid}/status`))?.[1] ?? 0),
    0,
  )
}

/** The fields of /proc/PID/stat after the name, which may hold anything: state, parent, … */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`)
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function allPids(): number[] {
  return names('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
