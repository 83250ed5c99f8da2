import type { Config, Site } from '../config.ts'
import type { Exit, Log, Outcome, Release } from '../model.ts'
import { runErrand } from '../program/errand.ts'
import { within } from '../system/clock.ts'
import { words } from '../words.ts'

/** What a hook is told of. */
export type Happening =
  | {
      readonly event: Outcome['result']
      readonly release: Release
      readonly why?: string
      readonly note?: string
      readonly downtimeMs: number
    }
  | { readonly event: 'fatal'; readonly release: Pick<Release, 'id'>; readonly exit: Exit }

/** Runs the commands that somebody wants to be run when something has happened. */
export type Hooks = {
  /** Returns at once, whatever becomes of the command: what goes wrong is in the log only. */
  readonly tell: (happening: Happening) => void
  /** Gives what runs and waits a short while, then ends it: at once when `hasten` aborts. */
  readonly close: (hasten: AbortSignal) => Promise<void>
}

/** A command that is to be run. */
type Call = {
  readonly event: Happening['event']
  readonly argv: readonly string[]
  readonly input: string
}

/** Hooks run as the daemon's user in the project directory, in the order of what happened. */
export function openHooks(site: Site, log: Log): Hooks {
  const closing = new AbortController()
  const running = new Set<Promise<void>>()
  let waiting: readonly Call[] = []

  function tell(happening: Happening): void {
    const { hooks } = site.config
    const argv = commandFor(happening.event, hooks)
    if (argv.length === 0) return
    const input = `${JSON.stringify({ ...happening, project: site.paths.project })}\n`
    waiting = [...waiting, { event: happening.event, argv, input }]
    startNext()
    drop(Math.max(0, waiting.length - hooks.waiting), 'too many wait')
  }

  function startNext(): void {
    while (running.size < site.config.hooks.running) {
      const [first, ...others] = waiting
      if (first === undefined) return
      waiting = others
      const over = call(first, site, log, closing.signal).then(() => {
        running.delete(over)
        startNext()
      })
      running.add(over)
    }
  }

  /** The oldest: the newest tells most of how things stand. */
  function drop(many: number, why: 'too many wait' | 'the daemon is stopping'): void {
    for (const { event } of waiting.slice(0, many)) log.warn(words.hookDropped(event, why))
    waiting = waiting.slice(many)
  }

  async function idle(): Promise<void> {
    while (running.size > 0) await Promise.all(running)
  }

  return {
    tell,
    async close(hasten) {
      await within(idle(), hasten, site.config.hooks.endMs)
      drop(waiting.length, 'the daemon is stopping')
      closing.abort()
      await idle()
    },
  }
}

function commandFor(event: Happening['event'], hooks: Config['hooks']): readonly string[] {
  return event === 'rolled-back' ? hooks.rolledBack : hooks[event]
}

/** Runs one command to its end, or to its deadline. */
async function call(
  { event, argv, input }: Call,
  site: Site,
  log: Log,
  closing: AbortSignal,
): Promise<void> {
  const { deadlineMs, maxOutputBytes } = site.config.hooks
  const errand = { argv, input, env: process.env, deadlineMs, who: 'hook' } as const
  const { end, isFlood } = await runErrand(errand, site, log, closing)
  if (isFlood) log.warn(words.hookFlood(event, maxOutputBytes))
  if (end.is === 'late') log.warn(words.hookLate(event, deadlineMs))
  else if (end.is === 'aborted' || end.value.is === 'cut') log.warn(words.hookEnded(event))
  else if (!isDone(end.value)) log.warn(words.hookFailed(event, end.value))
}

function isDone(exit: Exit): boolean {
  return exit.is === 'code' && exit.code === 0
}
