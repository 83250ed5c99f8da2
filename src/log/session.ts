import winston from 'winston'
import type { Site } from '../config.ts'
import type { Clock, Log } from '../model.ts'
import { words } from '../words.ts'
import { type LogFile, lastLineOf } from './folder.ts'
import { type Form, parseLine, type Speaker, written, writtenOutput } from './format.ts'
import { beginMark, endMark, isEndMarked } from './marks.ts'
import { consoleOutlet } from './outlet.ts'
import { openSessionFiles, type SessionFiles } from './session-files.ts'
import { openSink, type Sink } from './sink.ts'

/** The log of one session: one run of the daemon. */
export type SessionLog = Log & {
  /** The same log for one of many projects: each of its lines carries the name. */
  readonly of: (project: string) => Log
  /** The file that is written now, absolute; null when none could be made (the console still has all). */
  readonly path: () => string | null
  /** Logs how the session ends, writes what is waiting and closes the files. Nothing is logged after it. */
  readonly close: (how: string) => Promise<void>
}

/**
 * Opens the session's log and sends every line to its file and to the console. A folder that cannot be
 * written does not stop the daemon: it says so on the console, and the file is begun when it can be.
 * `runs` tells what runs just now; each file begins with it. `isQuiet`: the console is for something else.
 */
export function openSessionLog(
  site: Site,
  clock: Clock,
  isQuiet: boolean,
  runs: () => string,
): SessionLog {
  const limits = () => site.config.log
  const began = clock.now()

  function supervisor(level: Speaker['level'], project?: string): Speaker {
    return { time: clock.wall(), project, who: 'supervisor', level }
  }
  const lost = (form: () => Form) => (lines: number) =>
    written(supervisor('warn'), words.linesLost(lines), form())
  const fileForm = () => site.config.log.format
  const consoleForm = () => 'text' as const

  const files: SessionFiles = openSessionFiles({
    dir: site.paths.logs,
    limits,
    clock,
    head: (session, part, after) =>
      written(
        supervisor('info'),
        words.logGoesOn(beginMark(session, part), after, runs()),
        fileForm(),
      ),
    tell: own,
  })
  const toConsole = isQuiet ? null : consoleOutlet()
  const sinks = [
    { sink: openSink(files, limits, lost(fileForm)), form: fileForm },
    ...(toConsole === null
      ? []
      : [{ sink: openSink(toConsole, limits, lost(consoleForm)), form: consoleForm }]),
  ]
  const logger = winstonOnto(sinks)

  function own(level: Speaker['level'], text: string, project?: string): void {
    // What comes too late is lost: it must not be an error of its own.
    if (!logger.writableEnded) logger.log({ level, message: text, by: supervisor(level, project) })
  }

  function logOf(project?: string): Log {
    return {
      info: (text) => own('info', text, project),
      warn: (text) => own('warn', text, project),
      error: (text) => own('error', text, project),
      output(who, { stream, bytes }) {
        const by: Speaker = { time: clock.wall(), project, who, stream, level: 'info' }
        const inForm = new Map<Form, Buffer>()
        for (const { sink, form } of sinks) {
          const lines = inForm.get(form()) ?? writtenOutput(by, bytes, form())
          inForm.set(form(), lines)
          sink.write(lines)
        }
      },
      room() {
        const waits = sinks.map(({ sink }) => sink.room()).filter((wait) => wait !== null)
        return waits.length === 0 ? null : Promise.all(waits)
      },
    }
  }

  const log: SessionLog = {
    ...logOf(),
    of: logOf,
    path: files.path,
    async close(how) {
      const ms = clock.now() - began
      own('info', words.sessionEnded(endMark(files.session), how, ms))
      const finished = new Promise((resolve) => logger.once('finish', resolve))
      logger.end()
      await finished
      await Promise.all(sinks.map(({ sink }) => sink.close(limits().closeMs)))
    },
  }
  const path = files.begin()
  log.info(words.sessionBegan(beginMark(files.session, 1), runs(), path))
  const cut = endIsMissing(site.paths.logs, files.before)
  if (cut !== null) log.info(words.sessionCut(cut))
  return log
}

type Destination = { readonly sink: Sink; readonly form: () => Form }

/** The logger for what the supervisor says itself. */
function winstonOnto(destinations: readonly Destination[]): winston.Logger {
  return winston.createLogger({
    level: 'info',
    transports: destinations.map(
      ({ sink, form }) =>
        new winston.transports.Stream({
          stream: sink.stream,
          eol: '',
          format: winston.format.printf(({ message, by }) =>
            written(by as Speaker, String(message), form()),
          ),
        }),
    ),
  })
}

/** The number of the session before, when its log does not tell its end. */
function endIsMissing(dir: string, before: LogFile | undefined): number | null {
  if (before === undefined || before.session === 0) return null
  const last = parseLine(lastLineOf(dir, before))
  return last?.who === 'supervisor' && isEndMarked(last.text) ? null : before.session
}
