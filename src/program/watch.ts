import type { Site } from '../config.ts'
import type { Clock, Exit, Health, Log } from '../model.ts'
import { words } from '../words.ts'
import { watchHealth } from './health.ts'
import { processesOf } from './ladder.ts'
import { watchMemory } from './memory.ts'
import type { Run } from './run.ts'

/** The watch over one run of the program. */
export type Watch = {
  /** How the run ends by itself, or why it must be ended: then its processes are still there. */
  readonly exit: Promise<Exit>
  readonly health: () => Health
  /** Resolves when its last health check was good, at once where there is none; perhaps never. */
  readonly proven: () => Promise<void>
  /** Ends the watch; resolves when no health check is under way any more. */
  readonly close: () => Promise<void>
}

/** Watches a run: whether it ends, whether it is well, and how much memory it takes. */
export function watchOver(run: Run, site: Site, log: Log, clock: Clock): Watch {
  const over = new AbortController()
  const family = { group: run.pid, runId: run.runId }
  const checks = watchHealth(site, run.asProgram, clock, over.signal, (health, before) => {
    const text = words.health(health, before)
    if (text === null) return
    if (health.is === 'failing') log.warn(text)
    else log.info(text)
  })
  const tooBig = watchMemory(() => processesOf(family), site, clock, over.signal)
  return {
    exit: firstOf([run.exit, checks.illness, tooBig]),
    health: checks.health,
    proven: checks.proven,
    async close() {
      over.abort()
      await Promise.all([checks.illness, tooBig])
    },
  }
}

/** The first that has something to say: a watch that was ended has nothing. */
function firstOf(ends: readonly Promise<Exit | null>[]): Promise<Exit> {
  return new Promise((resolve, reject) => {
    for (const end of ends) end.then((exit) => exit !== null && resolve(exit), reject)
  })
}
