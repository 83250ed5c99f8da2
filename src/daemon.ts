import { pathsOf, type Site } from './config.ts'
import type { Layout } from './config-projects.ts'
import { type Ask, askDesk } from './control/ask-desk.ts'
import { openControl } from './control/server.ts'
import { beginAlone } from './daemon/alone.ts'
import { endOnSignal, isTerminal } from './daemon/ending.ts'
import type { Household } from './daemon/household.ts'
import { openInterpreters } from './daemon/interpreters.ts'
import { beginMany } from './daemon/many.ts'
import type { Shared } from './daemon/project.ts'
import { reportToSystemd } from './daemon/report.ts'
import { openSelf } from './daemon/self.ts'
import { openSession } from './daemon/session.ts'
import { openTurns } from './daemon/turns.ts'
import { clock, timeAgo } from './system/clock.ts'
import { findCommand } from './system/command.ts'
import { disk } from './system/disk.ts'
import { collectGarbage } from './system/garbage.ts'
import { takeServiceManager } from './system/notify.ts'
import { packageOf } from './system/package.ts'
import { words } from './words.ts'

/** What is done instead of running on: the daemon ends when it is done, with its exit code. */
export type Pass = {
  /** It asks the one project (null), or one of many by its name. */
  readonly run: (askOf: (project: string | null) => Ask) => Promise<number>
  /** A reboot that is due may follow. */
  readonly mayReboot: boolean
}

/**
 * Runs the daemon for a directory, a project of its own or the parent of many, until a signal ends it or `pass` is
 * done: wires what all projects share, decides nothing. The answer is the exit code. Throws an OperationalError when it cannot even
 * begin, and what `pass` throws. In a pass no program is started, no upload is taken, and all is said in the log
 * file only.
 */
export async function runDaemon(
  directory: string,
  layout: Layout,
  pass: Pass | null = null,
): Promise<number> {
  const since = clock.now()
  const manager = takeServiceManager(process.env, process.pid)
  const { config } = layout
  // A parent has no main and no deposit of its own.
  const paths = layout.is === 'one' ? pathsOf(directory, config.folders) : pathsOf(directory)
  const site: Site = { paths, config, disk }
  const setpriv = await findCommand('setpriv')
  const interpreters = openInterpreters(config.verify.checkMs)
  const begun =
    layout.is === 'many'
      ? await beginMany(layout, site)
      : await beginAlone(site, { interpreters, setpriv })
  const { log, watch } = openSession(site, clock, pass !== null, begun.hello, begun.atFirst)
  const ending = endOnSignal(log, config, clock)
  if (setpriv === null) log.warn(words.noSetpriv)

  const { version } = packageOf()
  const parallel = () => (layout.is === 'one' ? Number.POSITIVE_INFINITY : config.daemon.parallel)
  const selfUpdate = openSelf(site, () => household, setpriv, ending, log, clock)
  let isOver = false
  const shared: Shared = {
    selfUpdate,
    setpriv,
    interpreters,
    turns: openTurns(parallel),
    hasten: ending.hasten,
    daemon: () => {
      return { pid: process.pid, version, since: timeAgo(since, clock), session: log.path() }
    },
    clock,
    isPass: pass !== null,
    rebootsAtEnd: () => isOver && pass?.mayReboot === true,
  }
  const { shutdown } = ending
  const household: Household = begun.household(log, shutdown, shared)
  watch(household.runs)
  const report = reportToSystemd(manager, household, shutdown, { config, log, clock })
  try {
    await household.open()
  } catch (error) {
    await report?.end()
    throw error
  }
  if (!isTerminal()) process.on('SIGHUP', () => void household.reload())
  const control = openControl(household.desk, site, log, clock)
  // A start takes twice the memory that the daemon needs from then on.
  setTimeout(collectGarbage, config.daemon.calmMs).unref()
  const over = household.run()
  const caring = pass === null ? selfUpdate.run() : null
  const [passed] =
    pass === null
      ? []
      : await Promise.allSettled([pass.run((project) => askDesk(household.desk, project))])
  // Not if a signal has cut it off.
  isOver = pass !== null && !shutdown.aborted
  if (isOver) ending.end(words.updateOver)
  await over
  await caring

  await control.close()
  await interpreters.close()
  await report?.end()
  await log.close(ending.how())
  // A write to a terminal that is stopped (Ctrl-S) never returns, and Node would wait for it.
  if (isTerminal())
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), config.log.closeMs).unref()
  begun.lock.release()
  if (passed?.status === 'rejected') throw passed.reason
  return passed?.value ?? ending.exitCode()
}
