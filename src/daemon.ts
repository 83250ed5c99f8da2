import { type Config, pathsOf, type Site } from './config.ts'
import { type Ask, askDesk } from './control/ask-desk.ts'
import { openDesk } from './control/desk.ts'
import { openControl } from './control/server.ts'
import { type Live, timeAgo } from './control/status.ts'
import { endOnSignal, isTerminal } from './daemon/ending.ts'
import { openCheckout } from './daemon/git.ts'
import { lockProject, makeFolders } from './daemon/ground.ts'
import { openRun } from './daemon/program.ts'
import { reloadSettings } from './daemon/reload.ts'
import { reportToSystemd } from './daemon/report.ts'
import { openSession } from './daemon/session.ts'
import { noUploads, openUploads } from './daemon/uploads.ts'
import { findIdentity, identityArguments } from './program/identity.ts'
import { endLeftovers } from './program/life.ts'
import { openHooks } from './project/hooks.ts'
import { openObstacle } from './project/obstacle.ts'
import { openOrders } from './project/orders.ts'
import { runProject } from './project/project.ts'
import { openAhead } from './python/check.ts'
import { findInterpreter } from './python/interpreter.ts'
import { openPackages, sweepPackages } from './python/packages.ts'
import { onBehalf } from './python/worker.ts'
import { clock } from './system/clock.ts'
import { findCommand } from './system/command.ts'
import { disk } from './system/disk.ts'
import { takeServiceManager } from './system/notify.ts'
import { packageOf } from './system/package.ts'
import { openPipes } from './system/pipes.ts'
import { words } from './words.ts'

/** What is done instead of running on: the daemon ends when it is done, with its exit code. */
export type Pass = (ask: Ask) => Promise<number>

/**
 * Runs the daemon for a project directory until a signal ends it, or `pass` is done: wires the rooms, decides
 * nothing. The answer is the exit code. Throws an OperationalError when it cannot even begin, and what `pass`
 * throws. In a pass the program is not started, no upload is taken, and all is said in the log file only.
 */
export async function runDaemon(
  projectDir: string,
  config: Config,
  pass: Pass | null = null,
): Promise<number> {
  const since = clock.now()
  const manager = takeServiceManager(process.env, process.pid)
  const paths = pathsOf(projectDir, config.folders)
  const site: Site = { paths, config, disk }
  const made = makeFolders(paths)
  const lock = await lockProject(paths)
  const python = await findInterpreter(config.program.python, paths.project)
  const setpriv = await findCommand('setpriv')
  const identity = await findIdentity(config.program, setpriv)
  const { log, watch } = await openSession(python.version, site, clock, pass !== null)
  for (const folder of made) log.info(words.madeFolder(folder))
  const ending = endOnSignal(log, config, clock)
  if (setpriv === null) log.warn(words.noSetpriv)

  await sweepPackages(site, log)
  const behalf = await onBehalf(setpriv, identityArguments(identity), identity)
  const packages = openPackages(python, behalf, site, clock, ending.shutdown, log)
  await packages.given()
  const launch = { inUse: packages.inUse, setpriv, identity, pipes: await openPipes(2) }
  const hooks = openHooks(site, log)
  const isPass = pass !== null
  const run = await openRun(launch, site, hooks.tell, isPass, { log, clock, ending })
  const { program } = run
  const report = reportToSystemd(manager, program, ending.shutdown, { site, log, clock })
  const leftovers = await endLeftovers(site, {
    limits: config.program,
    clock,
    hasten: ending.hasten,
    onSurvivors: (left) => log.error(words.survivors(left)),
  })
  if (leftovers.length > 0) log.warn(words.leftover(leftovers))
  watch(program.reading)

  const uploads = isPass ? noUploads : await openUploads(site, python, log, clock)
  const git = openCheckout(setpriv, !isPass, site, log, clock, ending.shutdown)
  const orders = openOrders(ending.shutdown, { is: 'refused', why: words.endingNow })
  const { version } = packageOf()
  const obstacle = openObstacle()
  const live: Live = {
    daemon: () => {
      return { pid: process.pid, version, since: timeAgo(since, clock), session: log.path() }
    },
    reading: program.reading,
    deposit: uploads.deposit.state,
    guarantee: uploads.guarantee,
    packages,
    git,
    obstacle,
    clock,
  }
  const reload = async () => {
    const answer = await reloadSettings(site, log)
    git.wake()
    return answer
  }
  if (!isTerminal()) process.on('SIGHUP', () => void reload())
  const desk = openDesk(site, live, orders, reload)
  const control = openControl(desk, site, log, clock)
  const { shutdown } = ending
  const ahead = openAhead(config.verify.checkMs)
  const means = { site, ...run, isPass, python, packages, git, ahead, obstacle }
  const tools = { ...means, log, clock, shutdown, orders }
  const over = runProject(uploads.deposit, { ...tools, tell: hooks.tell, answer: uploads.answer })
  const [passed] = pass === null ? [] : await Promise.allSettled([pass(askDesk(desk))])
  if (isPass) ending.end(words.updateOver)
  await over

  ahead.close()
  await hooks.close(ending.hasten)
  await control.close()
  await uploads.close()
  await report?.end()
  await log.close(ending.how())
  // A write to a terminal that is stopped (Ctrl-S) never returns, and Node would wait for it.
  if (isTerminal())
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), config.log.closeMs).unref()
  lock.release()
  if (passed?.status === 'rejected') throw passed.reason
  return passed?.value ?? ending.exitCode()
}
