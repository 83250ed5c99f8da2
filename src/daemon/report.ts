import type { Config } from '../config.ts'
import { reportTo } from '../control/systemd.ts'
import type { Clock, Log } from '../model.ts'
import type { ServiceManager } from '../system/notify.ts'

/** How the daemon stands, in systemd's eyes. */
export type Standing = {
  /** How it goes, in one line. */
  readonly statusLine: () => string
  /** True once the first start of every program was attempted, or there is none to start. */
  readonly isReady: () => boolean
}

/** Tells systemd how it goes, until `end`. Without systemd there is nothing to do: null. */
export function reportToSystemd(
  manager: ServiceManager | null,
  standing: Standing,
  shutdown: AbortSignal,
  about: { readonly config: Config; readonly log: Log; readonly clock: Clock },
): { readonly end: () => Promise<void> } | null {
  if (manager === null) return null
  const { config, log, clock } = about
  return reportTo(manager, { ...standing, shutdown, limits: () => config.systemd, log, clock })
}
