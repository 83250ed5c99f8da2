import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

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

/** The names of a project's session files, in the order of their names. */
export async function sessionsOf(project: string): Promise<string[]> {
  return (await readdir(join(project, 'logs'))).sort()
}

/** The lines of a project's only session file. */
export async function logOf(project: string): Promise<string[]> {
  const [name, ...others] = await sessionsOf(project)
  if (name === undefined || others.length > 0) throw new Error(`not one session: ${others.length}`)
  const text = await readFile(join(project, 'logs', name), 'utf8')
  return text.split('\n').slice(0, -1)
}
