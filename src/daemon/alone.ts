import type { Site } from '../config.ts'
import type { Log } from '../model.ts'
import { packageOf } from '../system/package.ts'
import { lastCommitted, readHistory } from '../update/history.ts'
import { words } from '../words.ts'
import type { Begun, Household } from './household.ts'
import { openProject, type Prepared, type Project, prepare, type Shared } from './project.ts'
import { reloadSettings } from './reload.ts'

/**
 * Begins a daemon of one project, in its own directory. What is wrong with it is said before anything is logged: it
 * throws.
 */
export async function beginAlone(
  site: Site,
  means: Pick<Shared, 'interpreters' | 'setpriv'>,
): Promise<Begun> {
  const prepared = await prepare(site, null, means)
  const atFirst = words.mainHolds(lastCommitted(await readHistory(site)))
  const about = { python: prepared.python.version, node: process.versions.node }
  return {
    lock: prepared.lock,
    hello: words.hello({ ...packageOf(), project: site.paths.project, ...about }),
    atFirst,
    household: (log, shutdown, shared) => household(prepared, atFirst, log, shutdown, shared),
  }
}

/** What keeps the project from being opened ends the daemon: `open` rejects. */
function household(
  prepared: Prepared,
  atFirst: string,
  log: Log,
  shutdown: AbortSignal,
  shared: Shared,
): Household {
  let project: Project | null = null
  const reload = async () => {
    const answer = await reloadSettings(prepared.site, log)
    project?.wake()
    shared.selfUpdate.wake()
    return answer
  }
  return {
    async open() {
      project = await openProject(prepared, { log, end: shutdown, reload }, shared)
    },
    desk: async (wish, name) =>
      project === null || name !== null ? { is: 'unknown' } : project.desk(wish),
    readings: () => (project === null ? [] : [project]),
    runs: () => (project === null ? atFirst : words.runs(project.reading())),
    reload,
    run: async () => project?.run(),
    statusLine: () =>
      words.statusLine(project?.reading().state ?? { is: 'STOPPED', why: 'not started yet' }),
    isReady: () => project?.isAttempted() ?? false,
  }
}
