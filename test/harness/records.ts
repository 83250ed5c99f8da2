import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { begunLogs } from '../../src/log/follow.ts'

/** The outcomes in a project's history, oldest first: `r1 committed`. */
export async function outcomesOf(project: string): Promise<string[]> {
  const text = await readFile(join(project, '.supervisor/history.jsonl'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; result: string })
    .map(({ id, result }) => `${id} ${result}`)
}

/** What the newest release under way has in its `stage.json`; undefined when there is none. */
export async function stageOf(
  project: string,
): Promise<{ stage: string; boots?: number } | undefined> {
  const releases = join(project, '.supervisor/releases')
  const newest = (await readdir(releases).catch(() => [])).sort().at(-1)
  if (newest === undefined) return undefined
  return JSON.parse(await readFile(join(releases, newest, 'stage.json'), 'utf8'))
}

/** The names of a project's log files, in the order of their names. */
export async function sessionsOf(project: string): Promise<string[]> {
  return (await readdir(join(project, 'logs'))).sort()
}

/** True when the newest log file ends with something like this: it may be long, and is asked often. */
export function logEndsWith(project: string, text: RegExp): boolean {
  const newest = begunLogs(join(project, 'logs')).at(-1)
  if (newest === undefined) return false
  const file = openSync(join(project, 'logs', newest.name), 'r')
  try {
    const buffer = Buffer.alloc(10_000)
    const from = Math.max(0, fstatSync(file).size - buffer.length)
    return text.test(buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, from)))
  } finally {
    closeSync(file)
  }
}

/** The lines of a project's only session, through all of its files. */
export async function logOf(project: string): Promise<string[]> {
  const files = begunLogs(join(project, 'logs'))
  if (new Set(files.map(({ session }) => session)).size !== 1) throw new Error('not one session')
  const texts = files.map(({ name }) => readFile(join(project, 'logs', name), 'utf8'))
  return (await Promise.all(texts)).join('').split('\n').slice(0, -1)
}
