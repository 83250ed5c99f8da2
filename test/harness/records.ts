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

/** The lines of a project's only session, through all of its files. */
export async function logOf(project: string): Promise<string[]> {
  const files = begunLogs(join(project, 'logs'))
  if (new Set(files.map(({ session }) => session)).size !== 1) throw new Error('not one session')
  const texts = files.map(({ name }) => readFile(join(project, 'logs', name), 'utf8'))
  return (await Promise.all(texts)).join('').split('\n').slice(0, -1)
}
