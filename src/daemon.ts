import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { isatty } from 'node:tty'
import { type Config, type Paths, pathsOf, type Site } from './config.ts'
import { codeOf, messageOf, OperationalError } from './errors.ts'
import { timeText } from './log/format.ts'
import { openSessionLog, type SessionLog } from './log/session.ts'
import type { Clock } from './model.ts'
import { endLeftovers, openProgram } from './program/life.ts'
import { runProject } from './project/project.ts'
import { findInterpreter } from './python/interpreter.ts'
import { openWriters } from './python/writers.ts'
import { openDeposit } from './source/deposit/deposit.ts'
import { testGuarantee } from './source/deposit/guarantee.ts'
import { openResult } from './source/deposit/result.ts'
import { clock } from './system/clock.ts'
import { disk } from './system/disk.ts'
import { takeLock } from './system/lock.ts'
import { packageOf } from './system/package.ts'
import { lastCommitted, readHistory } from './update/history.ts'
import { words } from './words.ts'

/**
 * Runs the daemon for a project directory until a signal ends it: wires the rooms, decides nothing.
 * The answer is the exit code. Throws an OperationalError when it cannot even begin.
 */
export async function runDaemon(projectDir: string, config: Config): Promise<number> {
  const paths = pathsOf(projectDir)
  const made = makeFolders(paths)
  const lock = await takeLock(paths.project, paths.pid)
  if ('heldBy' in lock) {
    throw new OperationalError(words.alreadyRunning(paths.project, lock.heldBy), {
      code: 'ERUNNING',
      path: paths.project,
      hint: words.alreadyRunningHint(lock.heldBy),
    })
  }
  const python = await findInterpreter()
  const site: Site = { paths, config, disk }
  const { version } = packageOf()
  const node = process.versions.node
  const hello = words.hello({ version, project: paths.project, python: python.version, node })
  const inMain = words.mainHolds(lastCommitted(await readHistory(site)))
  let runs = () => inMain
  const log = openSessionLog(site, clock, () => `${hello}\n${runs()}`)
  for (const folder of made) log.info(words.madeFolder(folder))

  const ending = endOnSignal(log, config, clock)
  const setpriv = await findCommand('setpriv')
  if (setpriv === null) log.warn(words.noSetpriv)
  const leftovers = await endLeftovers(site, {
    limits: config.program,
    clock,
    hasten: ending.hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  })
  if (leftovers.length > 0) log.warn(words.leftover(leftovers))

  const program = openProgram({ python: python.path, setpriv }, site, log, clock, ending.hasten)
  runs = () => words.runs(program.state())
  const writers = openWriters(python, config.deposit.askMs)
  log.info(words.guarantee(await testGuarantee(site, writers, process.getuid?.() ?? 0)))
  const result = openResult(site)
  const answer = (text: string) => result(timeText(clock.wall()), text)
  const deposit = openDeposit(site, writers, log, answer, clock)
  log.info(words.waiting(paths.deposit))
  await runProject(deposit, {
    site,
    program,
    python,
    log,
    answer,
    clock,
    shutdown: ending.shutdown,
  })

  await writers.close()
  await log.close(ending.how())
  // A write to a terminal that is stopped (Ctrl-S) never returns, and Node would wait for it.
  if (isatty(1)) setTimeout(() => process.kill(process.pid, 'SIGKILL'), config.log.closeMs).unref()
  lock.release()
  return ending.exitCode()
}

/** Makes what is missing of a project's folders; the names of those a person cares about. */
function makeFolders(paths: Paths): string[] {
  const shown = ['deposit', 'main', 'logs'] as const
  const made = shown.filter((name) => disk.kind(paths[name]) === null)
  try {
    for (const name of made) disk.makeDir(paths[name])
    for (const path of [paths.own, paths.releases, paths.rejected]) disk.makeDir(path)
  } catch (error) {
    throw new OperationalError(`cannot make the folders of ${paths.project}: ${messageOf(error)}`, {
      code: codeOf(error),
      path: paths.project,
      hint: 'start it as the user who owns this directory, or give it to that user with chown',
      cause: error,
    })
  }
  return made
}

type Ending = {
  readonly shutdown: AbortSignal
  readonly hasten: AbortSignal
  readonly exitCode: () => number
  /** For the last line of the log. */
  readonly how: () => string
}

/**
 * The first SIGTERM, SIGINT or SIGHUP ends the daemon in order; a second one hastens it. npm passes a
 * Ctrl-C on to a process that has had it from the terminal already: that is not a second one.
 */
function endOnSignal(log: SessionLog, config: Config, { now }: Clock): Ending {
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
    } else if (now() - firstAt >= config.secondSignalMs && !hasten.signal.aborted) {
      log.warn(words.hastened)
      hasten.abort()
    }
  }
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, onSignal)
  process.on('uncaughtException', (error) => {
    // Nobody waits for what threw it, so nobody can mend it: end in order and be started again.
    log.error(words.bug(error.stack ?? error.message))
    exitCode = 1
    how = words.endedByFault
    shutdown.abort()
  })
  return {
    shutdown: shutdown.signal,
    hasten: hasten.signal,
    exitCode: () => exitCode,
    how: () => how,
  }
}

/** The absolute path of a command, or null when PATH has none. */
async function findCommand(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder.startsWith('/') && isThere) return path
  }
  return null
}
