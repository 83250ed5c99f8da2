import { isatty } from 'node:tty'
import { type Config, changeTo, type Paths, pathsOf, readAtStart, type Site } from './config.ts'
import { loadConfig } from './config-file.ts'
import { openDesk } from './control/desk.ts'
import { openControl } from './control/server.ts'
import { type Live, timeAgo } from './control/status.ts'
import { reportTo } from './control/systemd.ts'
import { codeOf, hintOf, isExpected, messageOf, OperationalError } from './errors.ts'
import { timeText } from './log/format.ts'
import { openSessionLog, type SessionLog } from './log/session.ts'
import type { Clock, Log } from './model.ts'
import { findIdentity, identityArguments } from './program/identity.ts'
import { endLeftovers, openProgram, type Program } from './program/life.ts'
import { openHooks } from './project/hooks.ts'
import { type Answer, openOrders } from './project/orders.ts'
import { runProject } from './project/project.ts'
import { findInterpreter } from './python/interpreter.ts'
import { openPackages, sweepPackages } from './python/packages.ts'
import { onBehalf } from './python/worker.ts'
import { openWriters } from './python/writers.ts'
import { openDeposit } from './source/deposit/deposit.ts'
import { testGuarantee } from './source/deposit/guarantee.ts'
import { openResult } from './source/deposit/result.ts'
import { clock } from './system/clock.ts'
import { findCommand } from './system/command.ts'
import { disk } from './system/disk.ts'
import { takeLock } from './system/lock.ts'
import { type ServiceManager, takeServiceManager } from './system/notify.ts'
import { packageOf } from './system/package.ts'
import { lastCommitted, readHistory } from './update/history.ts'
import { words } from './words.ts'

/**
 * Runs the daemon for a project directory until a signal ends it: wires the rooms, decides nothing.
 * The answer is the exit code. Throws an OperationalError when it cannot even begin.
 */
export async function runDaemon(projectDir: string, config: Config): Promise<number> {
  const since = clock.now()
  const manager = takeServiceManager(process.env, process.pid)
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
  const python = await findInterpreter(config.program.python, paths.project)
  const setpriv = await findCommand('setpriv')
  const identity = await findIdentity(config.program, setpriv)
  const site: Site = { paths, config, disk }
  const { version } = packageOf()
  const node = process.versions.node
  const hello = words.hello({ version, project: paths.project, python: python.version, node })
  const inMain = words.mainHolds(lastCommitted(await readHistory(site)))
  let runs = () => inMain
  const log = openSessionLog(site, clock, () => `${hello}\n${runs()}`)
  for (const folder of made) log.info(words.madeFolder(folder))

  const ending = endOnSignal(log, config, clock)
  if (setpriv === null) log.warn(words.noSetpriv)
  await sweepPackages(site, log)
  const behalf = await onBehalf(setpriv, identityArguments(identity), identity)
  const packages = openPackages(python, behalf, site, clock, ending.shutdown, log)
  await packages.given()
  const launch = { inUse: packages.inUse, setpriv, identity }
  const hooks = openHooks(site, log)
  const program = openProgram(launch, site, log, clock, ending.hasten, (id, exit) =>
    hooks.tell({ event: 'fatal', release: { id }, exit }),
  )
  const report = reportToSystemd(manager, program, ending.shutdown, { site, log, clock })
  const leftovers = await endLeftovers(site, {
    limits: config.program,
    clock,
    hasten: ending.hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  })
  if (leftovers.length > 0) log.warn(words.leftover(leftovers))

  runs = () => words.runs(program.state())
  const writers = openWriters(python, config.deposit.askMs, config.deposit.helperRestMs)
  const guarantee = await testGuarantee(site, writers, process.getuid?.() ?? 0)
  log.info(words.guarantee(guarantee))
  const answer = openResult(site, () => timeText(clock.wall()))
  const deposit = openDeposit(site, writers, log, answer, clock)
  log.info(words.waiting(paths.deposit))
  const orders = openOrders(ending.shutdown, { is: 'refused', why: words.endingNow })
  const live: Live = {
    daemon: () => ({
      pid: process.pid,
      version,
      since: timeAgo(since, clock),
      session: log.path(),
    }),
    reading: program.reading,
    deposit: deposit.state,
    guarantee,
    packages,
    clock,
  }
  const reload = () => reloadSettings(site, log)
  if (!isTerminal()) process.on('SIGHUP', () => void reload())
  const control = openControl(openDesk(site, live, orders, reload), site, log, clock)
  await runProject(deposit, {
    site,
    program,
    python,
    packages,
    log,
    answer: answer.tell,
    clock,
    shutdown: ending.shutdown,
    orders,
    tell: hooks.tell,
  })

  await hooks.close(ending.hasten)
  await control.close()
  await writers.close()
  await report?.end()
  await log.close(ending.how())
  // A write to a terminal that is stopped (Ctrl-S) never returns, and Node would wait for it.
  if (isTerminal())
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), config.log.closeMs).unref()
  lock.release()
  return ending.exitCode()
}

/** True for a daemon that somebody runs by hand. SIGHUP then means that he is gone, else: reload. */
function isTerminal(): boolean {
  return isatty(1)
}

/** Puts what `supervisor.toml` says now into force; a broken one changes nothing. */
async function reloadSettings({ paths, config }: Site, log: Log): Promise<Answer> {
  try {
    const changed = changeTo(await loadConfig(paths.project), config)
    const atStart = changed.filter((name) => readAtStart.includes(name))
    const text = words.reloaded(changed, atStart)
    log.info(text)
    return { is: 'done', text }
  } catch (error) {
    if (!isExpected(error)) throw error
    log.error(words.notReloaded(messageOf(error), hintOf(error)))
    return { is: 'refused', why: words.notReloaded(messageOf(error), hintOf(error)) }
  }
}

/** Without systemd, or whoever else wants to be told how it goes, there is nothing to do. */
function reportToSystemd(
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
 * The first SIGTERM or SIGINT ends the daemon in order, and so does the loss of its terminal; a second
 * one hastens it. npm passes a
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
    } else if (now() - firstAt >= config.daemon.secondSignalMs && !hasten.signal.aborted) {
      log.warn(words.hastened)
      hasten.abort()
    }
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal)
  if (isTerminal()) process.on('SIGHUP', onSignal)
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
