import treeKill from 'tree-kill'
import type { Config } from '../config.ts'
import type { Clock } from '../model.ts'
import { command } from '../system/command.ts'
import { earliest, type Lasting, lasting } from '../system/lasting.ts'
import {
  handles,
  isGroupAlive,
  membersOf,
  type Process,
  processOf,
  searchTag,
  signal,
} from '../system/processes.ts'
import { tagName } from './record.ts'

/** What a ladder ends: a process group (by its leader's number), and all that carry the run's tag. */
export type Target = {
  readonly group: number | null
  readonly runId: string
  /** Resolves when the leader has ended, where the daemon is its parent: it saves waiting for a look. */
  readonly leaderExit?: Promise<unknown>
}

/** A target, and the look for whoever carries its tag. */
type Sought = Omit<Target, 'leaderExit'> & {
  readonly tagged: () => readonly Process[]
  readonly leaderExit: Lasting<unknown> | undefined
}

/** How it is climbed. */
export type Climbing = {
  readonly limits: Config['program']
  readonly clock: Clock
  /** Aborting it skips to SIGKILL. */
  readonly hasten: AbortSignal
  /** Told from time to time of processes that not even SIGKILL ends. */
  readonly onSurvivors: (survivors: readonly Process[]) => void
}

/**
 * Stops the program, with its whole group and whatever else carries the run's tag: politely, then
 * SIGTERM, then SIGKILL. Resolves when nobody is left, however long that takes: a second
 * program beside the first would be worse than none.
 */
export async function stopLadder(
  target: Target & { readonly group: number },
  how: Climbing,
): Promise<void> {
  const polite = politeSignal(target.group, how.limits)
  const sought = seek(target)
  // The long look is now, while the program runs. The one when it is down then sees what is new only.
  sought.tagged()
  if (await rung(sought, polite, how.limits.stopMs, how)) return
  if (await rung(sought, 'SIGTERM', how.limits.termMs, how)) return
  await killUntilGone(sought, how)
}

/**
 * Ends what is left of a run without its leader's consent: SIGTERM, then SIGKILL until nobody is
 * left. Returns what it found at the beginning.
 */
export async function clear(target: Target, how: Climbing): Promise<readonly Process[]> {
  const sought = seek(target)
  const found = livingOf(sought)
  if (found.length === 0) return found
  if (!(await rung(sought, 'SIGTERM', how.limits.termMs, how))) await killUntilGone(sought, how)
  return found
}

function seek(target: Target): Sought {
  const { leaderExit } = target
  return {
    ...target,
    tagged: searchTag(tagName, target.runId),
    leaderExit: leaderExit && lasting(leaderExit),
  }
}

async function killUntilGone(target: Sought, how: Climbing): Promise<void> {
  const never = new AbortController().signal
  for (;;) {
    await killAll(target)
    if (await isGone(target, how.limits.survivorReportMs, { ...how, hasten: never })) return
    how.onSurvivors(livingOf(target))
  }
}

/**
 * The one of the settings; or SIGTERM for a program that has a handler for it, else SIGINT: Python's
 * default on SIGTERM runs neither `finally` nor `atexit`, on SIGINT it runs both.
 */
function politeSignal(leader: number, { stopSignal }: Config['program']): NodeJS.Signals {
  if (stopSignal !== 'auto') return stopSignal
  return handles(leader, 15) ? 'SIGTERM' : 'SIGINT'
}

/** Sends a signal to all and waits for them to be gone; false when somebody is left. */
async function rung(
  target: Sought,
  name: NodeJS.Signals,
  waitMs: number,
  how: Climbing,
): Promise<boolean> {
  if (how.hasten.aborted) return false
  send(target, name)
  // A stopped process (SIGSTOP) would not see the signal before it goes on.
  send(target, 'SIGCONT')
  return isGone(target, waitMs, how)
}

/** SIGKILL to the tree below the leader, to the group, and to whatever else carries the tag. */
async function killAll(target: Sought): Promise<void> {
  const { group } = target
  if (group !== null && processOf(group) !== null && (await hasPs())) {
    // While the leader lives, its tree also holds children that left the group and cleared their
    // environment. tree-kill asks `ps`, and an absent `ps` would be an uncaught exception in it.
    await new Promise<void>((resolve) => treeKill(group, 'SIGKILL', () => resolve()))
  }
  send(target, 'SIGKILL')
}

async function hasPs(): Promise<boolean> {
  return (await command('ps', ['-o', 'pid', '-p', String(process.pid)])).exitCode === 0
}

function send({ group, tagged }: Sought, name: NodeJS.Signals): void {
  if (group !== null) signal(-group, name)
  for (const outside of tagged()) {
    if (outside.group !== group) signal(outside.pid, name)
  }
}

/**
 * Waits until nobody is left, `ms` at most. Once the leader has gone, the rest has `termMs` and no
 * longer: a background process of a shell ignores SIGINT and would hold up the swap for nothing.
 */
async function isGone(target: Sought, ms: number, how: Climbing): Promise<boolean> {
  const { clock, limits, hasten } = how
  let end = clock.now() + ms
  let leaderExit = target.leaderExit
  while (isAnyoneLeft(target)) {
    if (clock.now() >= end || hasten.aborted) return false
    if (leaderExit === undefined) {
      await clock.sleep(limits.stopPollMs, hasten)
    } else {
      const first = await earliest([leaderExit], hasten, limits.stopPollMs)
      if (first.is !== 'done') continue
      leaderExit = undefined
      end = Math.min(end, clock.now() + limits.termMs)
    }
  }
  return true
}

/** Cheapest question first: while the leader lives, nothing else is asked. */
function isAnyoneLeft({ group, tagged }: Sought): boolean {
  return (group !== null && isGroupAlive(group)) || tagged().length > 0
}

/** The living processes of a run: those of its group, and whoever else carries its tag. */
export function processesOf(target: Target): readonly Process[] {
  return livingOf(seek(target))
}

/** The living processes of the group and of the tag, each once. */
function livingOf({ group, tagged }: Sought): readonly Process[] {
  const inGroup = group === null ? [] : membersOf(group)
  const outside = tagged().filter((found) => found.group !== group)
  return [...inGroup, ...outside]
}
