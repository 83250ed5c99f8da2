import { type Config, pathsOf, type Site } from './config.ts'
import { openDesk } from './control/desk.ts'
import { openControl } from './control/server.ts'
import type { Live } from './control/status.ts'
import { endOnSignal, isTerminal } from './daemon/ending.ts'
import { openCheckout } from './daemon/git.ts'
import { lockProject, makeFolders } from './daemon/ground.ts'
import { reloadSettings } from './daemon/reload.ts'
import { reportToSystemd } from './daemon/report.ts'
import { openSelf } from './daemon/self.ts'
import { openSession } from './daemon/session.ts'
import { timeText } from './log/format.ts'
import { findIdentity, identityArguments } from './program/identity.ts'
import { endLeftovers, openProgram } from './program/life.ts'
import { openHooks } from './project/hooks.ts'
import { openObstacle } from './project/obstacle.ts'
import { openOrders } from './project/orders.ts'
import { runProject } from './project/project.ts'
import { openAhead } from './python/check.ts'
import { findInterpreter } from './python/interpreter.ts'
import { openPackages, sweepPackages } from './python/packages.ts'
import { onBehalf } from './python/worker.ts'
import { openWriters } from './python/writers.ts'
import { openDeposit } from './source/deposit/deposit.ts'
import { testGuarantee } from './source/deposit/guarantee.ts'
import { openResult } from './source/deposit/result.ts'
import { clock, timeAgo } from './system/clock.ts'
import { findCommand } from './system/command.ts'
import { disk } from './system/disk.ts'
import { takeServiceManager } from './system/notify.ts'
import { packageOf } from './system/package.ts'
import { openPipes } from './system/pipes.ts'
import { words } from './words.ts'

/**
 * Runs the daemon for a project directory until a signal ends it: wires the rooms, decides nothing.
 * The answer is the exit code. Throws an OperationalError when it cannot even begin.
 */
export async function runDaemon(projectDir: string, config: Config): Promise<number> {
  const since = clock.now()
  const manager = takeServiceManager(process.env, process.pid)
  const paths = pathsOf(projectDir)
  const site: Site = { paths, config, disk }
  const made = makeFolders(paths)
  const lock = await lockProject(paths)
  const python = await findInterpreter(config.program.python, paths.project)
  const setpriv = await findCommand('setpriv')
  const identity = await findIdentity(config.program, setpriv)
  const { log, watch } = await openSession(python.version, site, clock)
  for (const folder of made) log.info(words.madeFolder(folder))
  const ending = endOnSignal(log, config, clock)
  if (setpriv === null) log.warn(words.noSetpriv)

  await sweepPackages(site, log)
  const behalf = await onBehalf(setpriv, identityArguments(identity), identity)
  const packages = openPackages(python, behalf, site, clock, ending.shutdown, log)
  await packages.given()
  const launch = { inUse: packages.inUse, setpriv, identity, pipes: await openPipes(2) }
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
  watch(program.reading)

  const writers = openWriters(python, config.deposit.askMs, config.deposit.helperRestMs)
  const guarantee = await testGuarantee(site, writers, process.getuid?.() ?? 0)
  log.info(words.guarantee(guarantee))
  const answer = openResult(site, () => timeText(clock.wall()))
  const deposit = openDeposit(site, writers, log, answer, clock)
  log.info(words.waiting(paths.deposit))

  const git = openCheckout(setpriv, site, log, clock, ending.shutdown)
  const own = { site, reading: program.reading }
  const selfUpdate = openSelf(site, () => [own], setpriv, ending, log, clock)
  const orders = openOrders(ending.shutdown, { is: 'refused', why: words.endingNow })
  const { version } = packageOf()
  const obstacle = openObstacle()
  const live: Live = {
    daemon: () => {
      return { pid: process.pid, version, since: timeAgo(since, clock), session: log.path() }
    },
    reading: program.reading,
    deposit: deposit.state,
    guarantee,
    packages,
    git,
    selfUpdate,
    obstacle,
    clock,
  }
  const reload = async () => {
    const answer = await reloadSettings(site, log)
    git.wake()
    selfUpdate.wake()
    return answer
  }
  if (!isTerminal()) process.on('SIGHUP', () => void reload())
  const control = openControl(openDesk(site, live, orders, reload), site, log, clock)
  const { shutdown } = ending
  const ahead = openAhead(config.verify.checkMs)
  const caring = selfUpdate.run()
  const means = { site, program, python, packages, git, ahead, obstacle }
  const tools = { ...means, log, clock, shutdown, orders }
  await runProject(deposit, { ...tools, tell: hooks.tell, answer: answer.tell })

  await caring
  ahead.close()
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
