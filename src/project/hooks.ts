import type { Readable } from 'node:stream'
import type { Config, Site } from '../config.ts'
import type { Exit, Log, Outcome, Release } from '../model.ts'
import { lines } from '../program/lines.ts'
import { atMost, within } from '../system/clock.ts'
import { runJob } from '../system/job.ts'
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
  end: AbortSignal,
): Promise<void> {
  const { paths, config } = site
  const { deadlineMs, maxOutputBytes } = config.hooks
  let left = maxOutputBytes
  async function read(stream: 'out' | 'err', pipe: Readable): Promise<void> {
    const chunks = pipe.iterator({ destroyOnReturn: false })
    for await (const bytes of lines(chunks, config.log.maxLineBytes)) {
      if (left > 0) log.output('hook', { stream, bytes: bytes.subarray(0, left) })
      left -= bytes.length
      if (left < 0) break
      await log.room()
    }
    // It may print on, but nobody cuts that into lines any more.
    pipe.resume()
  }
  const job = {
    argv,
    input,
    cwd: paths.project,
    env: process.env,
    read,
    drainMs: config.program.drainMs,
  }
  const first = await atMost(deadlineMs, end, (cut) => runJob(job, cut))
  if (left < 0) log.warn(words.hookFlood(event, maxOutputBytes))
  if (first.is === 'late') log.warn(words.hookLate(event, deadlineMs))
  else if (first.is === 'aborted' || first.value.is === 'cut') log.warn(words.hookEnded(event))
  else if (!isDone(first.value)) log.warn(words.hookFailed(event, first.value))
}

function isDone(exit: Exit): boolean {
  return exit.is === 'code' && exit.code === 0
}
