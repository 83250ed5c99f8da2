import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a condition, looking again and again; fails with its name when it does not come true. */
export async function until(
  name: string,
  isSo: () => boolean | Promise<boolean>,
  ms = 60_000,
): Promise<void> {
  const end = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${name}`)
    await sleep(10)
  }
}

/** True while a process lives; a zombie does not: it waits for its parent only, and has no thread but the first (proc(5)). */
export function isLiving(pid: number): boolean {
  const stat = read(pid, 'stat')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const isZombie = fields[0] === 'Z' && Number(fields[17]) <= 1
  return stat !== '' && !isZombie && fields[0] !== 'X'
}

/** How many children of a process have ended, and wait for it to take note. */
export function zombiesOf(parent: number): number {
  const stats = readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .map((pid) => read(pid, 'stat'))
  return stats.filter((stat) => stat.slice(stat.lastIndexOf(')') + 2).startsWith(`Z ${parent} `))
    .length
}

/** Resident memory of a process in megabytes. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, 'status'))?.[1]) / 1_000
}

/**
 * The living processes of a project's program, as `pid command`: found by their working directory and
 * by the tag of the last recorded run. The daemon itself is not among them.
 */
export async function programsOf(project: string): Promise<string[]> {
  const record = await readFile(join(project, '.supervisor/program.json'), 'utf8').catch(() => '')
  const runId = /"runId":"([^"]+)"/.exec(record)?.[1] ?? 'no run'
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isLiving(pid))
    .filter((pid) => isBelow(cwdOf(pid), join(project, 'main')) || hasTag(pid, runId))
    .map((pid) => `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ').trim()}`)
}

function isBelow(path: string, dir: string): boolean {
  return path === dir || path.startsWith(`${dir}/`)
}

function hasTag(pid: number, runId: string): boolean {
  return read(pid, 'environ').includes(`OTA_SUPERVISOR_RUN_ID=${runId}\0`)
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function read(pid: number, file: 'stat' | 'status' | 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Kills a process group; it need not be there any more. */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
