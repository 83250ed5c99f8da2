import { isatty } from 'node:tty'
import type { Config } from '../config.ts'
import type { Clock, Log } from '../model.ts'
import { traceOf } from '../system/trace.ts'
import { words } from '../words.ts'

/** How the daemon comes to its end. */
export type Ending = {
  readonly shutdown: AbortSignal
  /** Aborts when not even the polite waits are to be waited for. */
  readonly hasten: AbortSignal
  readonly exitCode: () => number
  /** For the last line of the log. */
  readonly how: () => string
  /** Ends the daemon in order, without a signal; `why` is for the last line of the log. */
  readonly end: (why: string) => void
}

/** True for a daemon that somebody runs by hand. SIGHUP then means that he is gone, else: reload. */
export function isTerminal(): boolean {
  return isatty(1)
}

/**
 * The first SIGTERM or SIGINT ends the daemon in order, and so does the loss of its terminal; a second
 * one hastens it. npm passes a Ctrl-C on to a process that has had it from the terminal already: that is
 * not a second one.
 */
export function endOnSignal(log: Log, config: Config, { now }: Clock): Ending {
  const shutdown = new AbortController()
  const hasten = new AbortController()
  let exitCode = 0
  let how = ''
  let firstAt = 0
  function onSignal(name: NodeJS.Signals): void {
    if (!shutdown.signal.aborted) {
      firstAt = now()
      log.info(words.stopping(name))
      how = words.endedBy(name)
      shutdown.abort()
    } else if (now() - firstAt >= config.daemon.secondSignalMs && !hasten.signal.aborted) {
      log.warn(words.hastened)
      hasten.abort()
    }
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal)
  if (isTerminal()) process.on('SIGHUP', onSignal)
  process.on('uncaughtException', (error) => {
    // Nobody waits for what threw it, so nobody can mend it: end in order and be started again.
    log.error(words.bug(traceOf(error)))
    exitCode = 1
    how = words.endedByFault
    shutdown.abort()
  })
  return {
    shutdown: shutdown.signal,
    hasten: hasten.signal,
    exitCode: () => exitCode,
    how: () => how,
    end(why) {
      if (!shutdown.signal.aborted) how = why
      shutdown.abort()
    },
  }
}
