import type { Config } from '../config.ts'
import type { Clock, Log } from '../model.ts'
import type { ServiceManager } from '../system/notify.ts'
import { words } from '../words.ts'

/** How far the daemon is, in systemd's eyes. There is no way back to an earlier one. */
type Phase = 'starting' | 'running' | 'stopping'

/** What systemd has been told. Times are milliseconds of the clock that never jumps. */
export type Told = {
  readonly phase: Phase
  readonly since: number
  readonly status: string
  /** When it was last asked for more time, and when it last heard that the daemon lives. */
  readonly extendedAt: number
  readonly aliveAt: number
}

/** How things are at one moment. */
export type View = { readonly phase: Phase; readonly status: string; readonly at: number }

/** Before anything is told. */
export function toldNothing(now: number): Told {
  return { phase: 'starting', since: now, status: '', extendedAt: -Infinity, aliveAt: -Infinity }
}

/**
 * What is to be told now, as fields of sd_notify(3), and what will have been told by then.
 * `watchdogMs`: systemd must hear from the daemon this often; null: it does not watch.
 */
export function nextReport(
  told: Told,
  { phase, status, at }: View,
  watchdogMs: number | null,
  limits: Config['systemd'],
): { readonly fields: readonly string[]; readonly told: Told } {
  const isNew = phase !== told.phase
  const since = isNew ? at : told.since
  const isLate = phase === 'stopping' && at - since >= limits.stopMaxMs
  // A third: one message that is lost or late does no harm yet.
  // What was asked for at the start is no time for the end.
  const isDue = isNew || at - told.extendedAt >= limits.extendMs / 3
  const extend = phase !== 'running' && !isLate && isDue
  const ping = watchdogMs !== null && at - told.aliveAt >= watchdogMs / 3
  const fields = [
    ...(isNew && phase === 'running' ? ['READY=1'] : []),
    ...(isNew && phase === 'stopping' ? ['STOPPING=1'] : []),
    ...(status === told.status ? [] : [`STATUS=${status}`]),
    ...(extend ? [`EXTEND_TIMEOUT_USEC=${limits.extendMs * 1_000}`] : []),
    ...(ping ? ['WATCHDOG=1'] : []),
  ]
  const extendedAt = extend ? at : told.extendedAt
  const aliveAt = ping ? at : told.aliveAt
  return { fields, told: { phase, since, status, extendedAt, aliveAt } }
}

/** What is told, and on what ground. */
export type Subject = {
  /** How it goes, in one line. */
  readonly statusLine: () => string
  /** True once the first start of the program was attempted, or there is none to start. */
  readonly isReady: () => boolean
  /** Aborts when the daemon is to end. */
  readonly shutdown: AbortSignal
  /** Read anew each time: settings may change. */
  readonly limits: () => Config['systemd']
  readonly log: Log
  readonly clock: Clock
}

/**
 * Tells systemd how it goes, from now until `end` is called. All of it comes from one loop on the main
 * thread: when that hangs, the watchdog hears nothing and restarts the daemon. A failure to tell
 * is logged once, and changes nothing else.
 */
export function reportTo(
  manager: ServiceManager,
  about: Subject,
): { readonly end: () => Promise<void> } {
  const over = new AbortController()
  const talk = talkTo(manager, about, over.signal)
  return {
    async end() {
      over.abort()
      await talk
    },
  }
}

async function talkTo(manager: ServiceManager, about: Subject, over: AbortSignal): Promise<void> {
  const { clock, log, shutdown } = about
  // Its end is told at once; from then on that signal would wake the loop all the time.
  const wake = AbortSignal.any([over, shutdown])
  let told = toldNothing(clock.now())
  let complaint: string | null = null
  while (!over.aborted) {
    const limits = about.limits()
    const view = {
      phase: phaseAfter(told.phase, about),
      status: about.statusLine(),
      at: clock.now(),
    }
    const next = nextReport(told, view, manager.watchdogMs, limits)
    const failure = next.fields.length === 0 ? null : await manager.tell(next.fields, limits.tellMs)
    if (failure === null) {
      told = next.told
    } else if (complaint === null) {
      complaint = failure
      log.warn(words.systemdNotTold(failure))
    }
    const waitMs = failure === null ? limits.tickMs : limits.retryMs
    await clock.sleep(waitMs, view.phase === 'stopping' ? over : wake)
  }
}

function phaseAfter(phase: Phase, { shutdown, isReady }: Subject): Phase {
  if (shutdown.aborted) return 'stopping'
  return phase === 'starting' && !isReady() ? 'starting' : 'running'
}
