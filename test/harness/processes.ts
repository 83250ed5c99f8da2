import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** The numbers of the living processes of a project's program: they stand in its main. */
export function programsOf(project: string): number[] {
  const main = join(project, 'main')
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && standsIn(pid, main))
}

function standsIn(pid: number, folder: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
    return state !== 'Z' && state !== 'X' && readlinkSync(`/proc/${pid}/cwd`) === folder
  } catch {
    // It has ended, or belongs to somebody else.
    return false
  }
}
