import type { Site } from '../config.ts'
import { reportTo } from '../control/systemd.ts'
import type { Clock, Log } from '../model.ts'
import type { Program } from '../program/life.ts'
import type { ServiceManager } from '../system/notify.ts'
import { words } from '../words.ts'

/** Tells systemd how the program goes, until `end`. Without systemd there is nothing to do: null. */
export function reportToSystemd(
  manager: ServiceManager | null,
  program: Program,
  shutdown: AbortSignal,
  { site, log, clock }: { readonly site: Site; readonly log: Log; readonly clock: Clock },
): { readonly end: () => Promise<void> } | null {
  if (manager === null) return null
  return reportTo(manager, {
    statusLine: () => words.statusLine(program.state()),
    isReady() {
      const state = program.state()
      return state.is !== 'STOPPED' || state.why !== 'not started yet'
    },
    shutdown,
    limits: () => site.config.systemd,
    log,
    clock,
  })
}
