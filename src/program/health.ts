import type { Config, Site } from '../config.ts'
import { healthCheckOf } from '../config-health.ts'
import type { Clock, Exit, Health } from '../model.ts'
import { type Answer, type AsProgram, probe } from './probe.ts'

/** The watch over the health of one run of the program. */
export type HealthWatch = {
  /** What the last check has shown. */
  readonly health: () => Health
  /** Resolves when too many checks in a row have failed, with null when the watch was ended. */
  readonly illness: Promise<Exit | null>
  /** Resolves when the last check was good, at once where there is none; perhaps never. */
  readonly proven: () => Promise<void>
}

/**
 * Asks the program again and again, one check at a time, until it is ill or `end` aborts. The settings
 * may change meanwhile. `onAnswer` is told what is known now, and how it stood before.
 */
export function watchHealth(
  site: Site,
  asProgram: AsProgram,
  clock: Clock,
  end: AbortSignal,
  onAnswer: (health: Health, before: Health['is']) => void,
): HealthWatch {
  const began = clock.now()
  let health: Health = unasked(site.config.health)
  let waiting: (() => void)[] = []

  function become(next: Health): void {
    onAnswer(next, health.is)
    health = next
    if (!isProven(health)) return
    for (const resolve of waiting) resolve()
    waiting = []
  }

  async function watch(): Promise<Exit | null> {
    for (;;) {
      await clock.sleep(pauseMs(health, clock.now() - began, site.config.health), end)
      if (end.aborted) return null
      const settings = site.config.health
      const check = healthCheckOf(settings)
      if (check === null) {
        become({ is: 'none' })
        continue
      }
      const answer = await probe(check, asProgram, settings.timeoutMs, end)
      if (answer.is === 'cut') return null
      become(afterAnswer(health, answer, clock.now() - began, settings))
      if (health.is === 'failing' && health.inARow >= settings.failures) {
        return { is: 'unhealthy', inARow: health.inARow, why: health.why }
      }
    }
  }

  return {
    health: () => health,
    illness: watch(),
    async proven() {
      if (!isProven(health)) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

/** What is known before the first check. */
function unasked(settings: Config['health']): Health {
  return healthCheckOf(settings) === null ? { is: 'none' } : { is: 'starting' }
}

/**
 * What a check's answer makes of what was known. Until the program has been well for the first time, it
 * is given the start period; a failed check counts after it, or once it has been well.
 */
export function afterAnswer(
  before: Health,
  answer: Exclude<Answer, { is: 'cut' }>,
  upMs: number,
  limits: Config['health'],
): Health {
  if (answer.is === 'well') return { is: 'healthy' }
  const { why } = answer
  const wasWell = before.is === 'healthy' || (before.is === 'failing' && before.wasHealthy)
  if (!wasWell && upMs < limits.startPeriodMs) return { is: 'starting', why }
  const inARow = before.is === 'failing' ? before.inARow + 1 : 1
  return { is: 'failing', wasHealthy: wasWell, inARow, why }
}

/** How long to wait for the next check: briefly in the start period and until the first good answer. */
export function pauseMs(health: Health, upMs: number, limits: Config['health']): number {
  const isBeginning = health.is === 'starting' || (health.is === 'failing' && !health.wasHealthy)
  const isQuick = health.is !== 'none' && (isBeginning || upMs < limits.startPeriodMs)
  return isQuick ? Math.min(limits.startIntervalMs, limits.intervalMs) : limits.intervalMs
}

function isProven(health: Health): boolean {
  return health.is === 'healthy' || health.is === 'none'
}
