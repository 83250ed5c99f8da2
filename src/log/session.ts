import { openSync } from 'node:fs'
import { join } from 'node:path'
import { ensureDirSync } from 'fs-extra/esm'
import winston from 'winston'
import type { Config } from '../config.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Clock, Log } from '../model.ts'
import { words } from '../words.ts'
import { printable, sessionName, timeText } from './format.ts'
import { consoleOutlet, fileOutlet } from './outlet.ts'
import { openSink } from './sink.ts'

/** The log of one session: one run of the daemon. */
export type SessionLog = Log & {
  /** The session's file, absolute; null when none could be made (the console still has all). */
  readonly path: string | null
  /** Writes what is waiting and closes the file. Nothing is logged after it. */
  readonly close: () => Promise<void>
}

/**
 * Opens the session's log file in `dir` and sends every line there and to the console. A folder that
 * cannot be written does not stop the daemon: it says so on the console and goes on without a file.
 */
export function openSessionLog(dir: string, limits: Config['log'], clock: Clock): SessionLog {
  const file = openFile(dir, clock)
  const sinkLimits = { ...limits, stallMs: limits.closeMs }
  const outlets = [consoleOutlet(), ...('fd' in file ? [fileOutlet(file.fd)] : [])]
  const sinks = outlets.map((outlet) =>
    openSink(outlet, sinkLimits, (lines) => `${timeText(clock.wall())}  ${words.linesLost(lines)}`),
  )
  const logger = winston.createLogger({
    level: 'info',
    format: winston.format.printf(({ message }) => String(message)),
    transports: sinks.map(({ stream }) => new winston.transports.Stream({ stream, eol: '\n' })),
  })

  function line(level: 'info' | 'warn' | 'error', who: string, text: string): void {
    logger.log(level, `${timeText(clock.wall())}  ${who.padEnd(10)}  ${text}`)
  }
  function own(level: 'info' | 'warn' | 'error', mark: string, text: string): void {
    for (const part of text.split('\n')) line(level, 'supervisor', `${mark}${part}`)
  }

  const log: SessionLog = {
    path: 'fd' in file ? file.path : null,
    info: (text) => own('info', '', text),
    warn: (text) => own('warn', 'WARNING: ', text),
    error: (text) => own('error', 'ERROR: ', text),
    output: (who, { stream, bytes }) => line('info', `${who} ${stream}`, printable(bytes)),
    async room() {
      await Promise.all(sinks.map((sink) => sink.room()))
    },
    async close() {
      const finished = new Promise((resolve) => logger.once('finish', resolve))
      logger.end()
      await finished
      await Promise.all(sinks.map((sink) => sink.close(limits.closeMs)))
    },
  }
  if ('why' in file) log.warn(words.noLogFile(dir, file.why))
  return log
}

function openFile(dir: string, clock: Clock): { fd: number; path: string } | { why: string } {
  try {
    ensureDirSync(dir)
    for (let again = 1; ; again += 1) {
      const path = join(dir, sessionName(clock.wall(), again))
      const fd = openIfFree(path)
      if (fd !== null) return { fd, path }
    }
  } catch (error) {
    return { why: messageOf(error) }
  }
}

/** Opens a file that must not exist yet; null if it does. */
function openIfFree(path: string): number | null {
  try {
    return openSync(path, 'ax', 0o640)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return null
    throw error
  }
}
