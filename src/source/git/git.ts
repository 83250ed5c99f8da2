import { dirname } from 'node:path'
import type { Site } from '../../config.ts'
import { hintOf, isExpected, messageOf, withHint } from '../../errors.ts'
import type { Clock, Log, Release, ReleaseId } from '../../model.ts'
import { within } from '../../system/clock.ts'
import { command } from '../../system/command.ts'
import type { Slots } from '../../system/slots.ts'
import { words } from '../../words.ts'
import { gitWords } from '../../words-git.ts'
import { judgeAgain } from './again.ts'
import { type As, type Git, openCalls } from './call.ts'
import type { Obstacle } from './checkout.ts'
import { hideOwn, keepCommit, moveHead, type Run, sweepLocks } from './head.ts'
import type { Incoming } from './judgement.ts'
import { type Look, lookAtRemote, lookText } from './look.ts'
import { saveEdits, stage } from './stage.ts'
import { type Outside, openTurns, type TurnState } from './turns.ts'

/** The checkout in main as a source of releases. */
export type GitSource = {
  /** Waits for a commit that may come; null when the signal aborts first. Without a remote it only waits. */
  readonly next: (signal: AbortSignal) => Promise<Incoming | null>
  /**
   * Looks at the remote as soon as a release can be taken; the answer is what was found. `isNow`: what is found
   * is not to reboot the machine.
   */
  readonly lookNow: (isNow: boolean) => Promise<Look>
  /** Takes note of new settings. */
  readonly wake: () => void
  /** Writes what a commit changes into a staging folder. Fails with `EGIT`. */
  readonly take: (incoming: Incoming, staging: string) => Promise<void>
  /**
   * Looks again whether a release still fits main, right before the program is stopped for it, and saves what was
   * changed there. `drops` are the paths that it takes out of main. The answer is what has come in its way, or
   * null.
   */
  readonly fits: (release: Release, drops: readonly string[]) => Promise<Obstacle | null>
  /**
   * Takes note that a commit could not be taken or go on; it is asked for again after a growing time. Never
   * fails.
   */
  readonly postpone: (obstacle: Obstacle) => Promise<void>
  /** Has git say of main what is true: it holds the release, or it does not any more. Never fails. */
  readonly follow: (release: Release, isIn: boolean) => Promise<void>
  /** Makes main ready for git: removes what one that was killed has left behind, and hides our own folder. */
  readonly sweep: () => Promise<void>
  readonly state: () => GitState
}

/** How the source stands, for who asks. Moments are on the clock that never jumps. */
export type GitState = TurnState & {
  readonly isLooking: boolean
  /** What the last look came to, and when it ended; null before the first. */
  readonly last: { readonly look: Look; readonly at: number } | null
}

/** What the source is told from outside its room. */
export type Around = Outside & {
  /** As whom git works, for the owner of the checkout by number. */
  readonly become: (owner: number) => Promise<As>
  /** The release that a commit was tried as, if it did not pass. */
  readonly failedAs: (commit: string) => Promise<ReleaseId | null>
  /** Each look takes one of these places. */
  readonly looks: Slots
  /** False: only when it is asked to. */
  readonly looksByItself: boolean
}

function withWish(look: Look, isNow: boolean): Look {
  if (look.is !== 'found' || !isNow) return look
  return { ...look, incoming: { ...look.incoming, noReboot: true } }
}

/** Opens the source. `end` ends what is under way. */
export function openGit(
  site: Site,
  around: Around,
  log: Log,
  clock: Clock,
  end: AbortSignal,
): GitSource {
  const { disk, paths } = site
  const says = {
    ...log,
    info: (text: string) => log.info(gitWords.says(text)),
    warn: (text: string) => log.warn(gitWords.says(text)),
  }
  const turns = openTurns(site, around, says, clock)
  let state: Omit<GitState, keyof TurnState> = { isLooking: false, last: null }
  let told = ''
  let wakeUp: () => void = () => undefined
  /** Who waits for the look that begins next. */
  let asking: { readonly answer: (look: Look) => void; readonly isNow: boolean }[] = []

  end.addEventListener('abort', () => {
    for (const { answer } of asking) answer({ is: 'waits', why: words.endingNow })
    asking = []
  })

  async function callsAs(until: AbortSignal): Promise<{ git: Git; as: As }> {
    const as = await around.become(disk.ownerOf(`${paths.main}/.git`) ?? process.getuid?.() ?? 0)
    return { as, git: openCalls(paths.main, dirname(disk.realPath(paths.main)), as, until) }
  }

  /** Until the next look is due, or somebody asks for it. */
  async function due(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && asking.length === 0) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve
      })
      const isOff = site.config.git.remote === '' || !around.looksByItself
      const ms = isOff ? undefined : await turns.wait()
      if (ms !== undefined && ms <= 0) return
      await within(woken, signal, ms)
    }
  }

  async function look(): Promise<Look> {
    const askers = asking
    asking = []
    state = { ...state, isLooking: true }
    const found = withWish(
      await tryToLook(),
      askers.some(({ isNow }) => isNow),
    )
    await turns.looked({ is: found.is, text: lookText(found) }, askers.length > 0)
    state = { isLooking: false, last: { look: found, at: clock.now() } }
    tell(found)
    for (const { answer } of askers) answer(found)
    return found
  }

  async function tryToLook(): Promise<Look> {
    if (site.config.git.remote === '') {
      return { is: 'waits', why: gitWords.off, hint: gitWords.offHint }
    }
    try {
      const { git } = await callsAs(end)
      const found = await lookAtRemote(git, around.failedAs, site)
      // A fetch that was cut off leaves half a pack behind each time.
      if (found.is === 'failed') await sweepNow()
      return found
    } catch (error) {
      if (!isExpected(error)) throw error
      return { is: 'failed', why: messageOf(error), ...withHint(hintOf(error)) }
    }
  }

  /** Each thing once, however often it is found. */
  function tell(found: Look): void {
    if (end.aborted) return
    const text = lookText(found)
    // How long it took is another each time.
    const key = `${found.is} ${text.replace(/\d+ ms/g, '')}`
    if (key === told) return
    const isGood = found.is === 'current' || found.is === 'found'
    const wasTrouble = told !== '' && !/^(current|found) /.test(told)
    told = key
    if (isGood) log.info(gitWords.says(wasTrouble ? gitWords.goesOn(text) : text))
    else if (found.is === 'failed') log.error(gitWords.says(text))
    else log.warn(gitWords.says(text))
  }

  async function sweepNow(): Promise<void> {
    const { git, as } = await callsAs(end)
    const run: Run = async (argv, input) => {
      const [file = '', ...args] = [...as.before, ...argv]
      const cwd = paths.main
      return (await command(file, args, input === undefined ? { cwd } : { cwd, input })).stdout
    }
    await hideOwn(git, run, site)
    const swept = await sweepLocks(git, run, site)
    if (swept.length > 0) log.warn(gitWords.sweptLocks(swept))
  }

  return {
    async next(signal) {
      for (;;) {
        await due(signal)
        if (signal.aborted) return null
        const found = await around.looks.during(signal, look)
        if (found?.is === 'found') return found.incoming
      }
    },
    lookNow(isNow) {
      const found = new Promise<Look>((answer) => {
        asking.push({ answer, isNow })
      })
      wakeUp()
      return found
    },
    wake() {
      turns.wake()
      wakeUp()
    },
    async take(incoming, staging) {
      const { git, as } = await callsAs(end)
      await stage(incoming, staging, git, as, site)
      await turns.taken()
    },
    async fits(release, drops) {
      if (release.from !== 'git') return null
      const { id, commit } = release
      try {
        // It was found while it was being rolled back: HEAD was back already, and the history did not tell yet.
        const failed = await around.failedAs(commit.new)
        if (failed !== null) return { why: gitWords.hasFailed(commit.new, failed) }
        const { git } = await callsAs(end)
        await sweepNow()
        const found = await judgeAgain(commit, drops, git, site)
        if ('why' in found) return found
        if (site.config.git.rewritten === 'follow') await keepCommit(commit.old, git)
        const saved = await saveEdits(found.edited, id, commit.old, git)
        if (saved !== null) log.warn(gitWords.saved(id, found.edited, saved))
        return null
      } catch (error) {
        if (!isExpected(error)) throw error
        return { why: messageOf(error) }
      }
    },
    async postpone(obstacle) {
      const look: Look = { is: 'failed', ...obstacle }
      await turns.postponed({ is: look.is, text: lookText(look) })
      state = { ...state, last: { look, at: clock.now() } }
      tell(look)
    },
    async follow(release, isIn) {
      if (release.from !== 'git') return
      const { old, new: now } = release.commit
      const [from, to] = isIn ? [old, now] : [now, old]
      try {
        // The end of the daemon must not cut this off.
        const { git } = await callsAs(new AbortController().signal)
        const moved = await moveHead(from, to, release.id, git)
        if (moved.is === 'elsewhere') log.warn(gitWords.headElsewhere(release.id))
        if (moved.is === 'failed') log.error(gitWords.headStays(release.id, moved.why))
      } catch (error) {
        if (!isExpected(error)) throw error
        log.error(gitWords.headStays(release.id, messageOf(error)))
      }
    },
    async sweep() {
      if (disk.kind(`${paths.main}/.git`) === null) return
      try {
        await sweepNow()
      } catch (error) {
        if (!isExpected(error)) throw error
        log.warn(gitWords.gitFailed(messageOf(error)))
      }
    },
    state: () => ({ ...state, ...turns.state() }),
  }
}
