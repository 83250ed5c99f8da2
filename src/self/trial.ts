import type { Clock, Log } from '../model.ts'
import { selfWords } from '../words-self.ts'
import type { Around } from './around.ts'
import { alone } from './exchange.ts'
import { folderOf, type Install, scriptOf } from './install.ts'
import {
  currentOf,
  endTrial,
  goBack,
  keepVersion,
  type Pending,
  readBefore,
  readPending,
} from './records.ts'
import { judgeStay } from './stay.ts'

/** This version is on trial. */
export type Trial = {
  /** The version to go back to. */
  readonly previous: string
  /** Waits for its end: true when the version is kept; else the daemon ends. */
  readonly passes: () => Promise<boolean>
}

/** Finds out whether this version is on trial; what is left of the trial of another one is put right. */
export async function beginTrial(
  around: Around,
  install: Install,
  log: Log,
  clock: Clock,
): Promise<Trial | null> {
  const { disk } = around.means.site
  const pending = await readPending(install, disk)
  // Who is not started by `launch` does not know whom it means to start next.
  if (pending === null || !around.isLaunched) return null
  if (pending.version === around.means.version) {
    const passes = () => awaitStay(pending, around, install, log, clock)
    return { previous: pending.previous, passes }
  }
  // Either the power went before the switch was done, or `launch` could start the one before and write nothing.
  // Or somebody is just about to switch: whoever that is goes on with it.
  await alone(install, async () => {
    const left = await readPending(install, disk)
    if (left?.version !== pending.version) return
    const isDone = currentOf(install) === pending.version
    const failure = { why: selfWords.notStarted, at: clock.wall() }
    await (isDone ? goBack(pending, failure, install, disk) : endTrial(install, disk))
  })
  return null
}

async function awaitStay(
  pending: Pending,
  around: Around,
  install: Install,
  log: Log,
  clock: Clock,
): Promise<boolean> {
  const { means, standings, endDaemon } = around
  const { disk, config } = means.site
  const before = await readBefore(install, disk)
  const { version, previous } = pending
  const began = clock.now()
  log.info(selfWords.says(selfWords.onTrial(version, previous, config.selfUpdate.stayMs)))
  for (;;) {
    const { tickMs, stayMs } = config.selfUpdate
    await clock.sleep(tickMs, means.end)
    if (means.end.aborted) return false
    const judged = judgeStay(before, standings(), clock.now() - began, stayMs)
    if (judged.is === 'wait') continue
    const isPreviousThere = disk.kind(scriptOf(folderOf(previous, install))) !== null
    if (judged.is !== 'back' || !isPreviousThere) {
      await keepVersion(pending, install, disk)
      log.info(selfWords.says(selfWords.kept(version)))
      return true
    }
    const why = selfWords.notBack(judged.missing)
    log.error(selfWords.says(selfWords.goesBack(version, previous, why)))
    await goBack(pending, { why, at: clock.wall() }, install, disk)
    endDaemon(selfWords.endsFor(previous))
    return false
  }
}
