import type { Ask } from '../control/ask-desk.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import type { ReleaseId } from '../model.ts'
import { untouchedText } from '../phrases.ts'
import { clock } from '../system/clock.ts'
import type { HistoryEntry } from '../update/history.ts'
import { packageWords } from '../words-packages.ts'
import { verbWords } from '../words-verbs.ts'
import type { Answered, Say } from './each.ts'
import { exitCodes } from './verb.ts'

/** How often the daemon is asked, in milliseconds: of many projects less often about each, which is work for it. */
export const pollMs = { perProject: 200, most: 3_000 }

/** A release, as the status and the history have it. */
export type Candidate = {
  readonly id: ReleaseId
  readonly manifest: string | null
  readonly commit: string | null
}

/** The release that is waited for. */
export type Wanted = {
  readonly isIt: (one: Candidate) => boolean
  /** What is known of it while it is no release yet; null: nothing of it is seen. */
  readonly before: (status: Status) => string | null
  /** What to say when nothing of it is seen any more. */
  readonly lost: string
  /** What has been said already. */
  readonly told: string
  /** Nobody goes on when this process ends: what waits for something is not waited for. */
  readonly isPass?: boolean
}

/**
 * Waits for the end of a release, telling what becomes of it; its exit code is by its outcome. Fails with `ELOST`
 * when nothing of it is seen any more. `projects`: so many are waited for at the same time.
 */
export async function waitForEnd(
  wanted: Wanted,
  ask: Ask,
  say: Say,
  projects = 1,
): Promise<Answered> {
  let { told } = wanted
  // Neither here nor there for long: somebody has taken it away.
  for (let missed = 0; missed < 10; ) {
    const seen = await look(wanted, ask)
    if (seen.is === 'ended') return endOf(seen.entry)
    if (seen.is === 'held') {
      return { text: heldText(seen.id, wanted), value: seen, code: exitCodes.done }
    }
    if (seen.is === 'stuck') throw new OperationalError(seen.why, { code: 'EWAITS' })
    missed = seen.is === 'gone' ? missed + 1 : 0
    if (seen.is === 'on its way' && seen.text !== told) {
      told = seen.text
      say(told)
    }
    await clock.sleep(Math.min(projects * pollMs.perProject, pollMs.most))
  }
  throw new OperationalError(wanted.lost, { code: 'ELOST' })
}

/**
 * `held`: its trial begins when the operator starts the program, or the daemon. `stuck`: nobody is there for whom
 * it could wait. `gone`: nothing of it is seen.
 */
type Seen =
  | { readonly is: 'ended'; readonly entry: HistoryEntry }
  | { readonly is: 'held'; readonly id: ReleaseId }
  | { readonly is: 'stuck'; readonly why: string }
  | { readonly is: 'on its way'; readonly text: string }
  | { readonly is: 'gone' }

async function look({ isIt, before, isPass = false }: Wanted, ask: Ask): Promise<Seen> {
  const status = await ask('status')
  const why = isPass ? stuckIn(status) : null
  if (why !== null) return { is: 'stuck', why }
  const found = status.underWay.find(isIt)
  if (found !== undefined) {
    // What something else runs is never held: it was being told when that was cut off.
    if (found.isHeld && status.program.state === 'ELSEWHERE') {
      return { is: 'stuck', why: verbWords.cutOff(found.id) }
    }
    if (found.isHeld) return { is: 'held', id: found.id }
    const text = found.waitingFor ?? verbWords.isUnderWay(found.id, found.stage)
    return { is: 'on its way', text }
  }
  const entry = (await ask('history')).find((one) => isIt(candidateOf(one)))
  if (entry !== undefined) return { is: 'ended', entry }
  const text = before(status)
  return text === null ? { is: 'gone' } : { is: 'on its way', text }
}

function heldText(id: ReleaseId, { isPass = false }: Wanted): string {
  return isPass ? verbWords.appliedLater(id) : verbWords.deployHeld(id)
}

/** What a release waits for, for longer than an update without a daemon does; null: nothing. */
export function stuckIn({ underWay, packages }: Status): string | null {
  const waiting = underWay.find(({ waitingFor }) => waitingFor !== null)?.waitingFor ?? null
  const isOnTrial = underWay.some(({ stage, isHeld }) => stage === 'on-trial' && !isHeld)
  return waiting ?? (packages?.isStandIn && isOnTrial ? packageWords.isStandIn : null)
}

function candidateOf(entry: HistoryEntry): Candidate {
  const { id } = entry
  return entry.from === 'git'
    ? { id, manifest: null, commit: entry.commit.new }
    : { id, manifest: entry.manifest ?? null, commit: null }
}

function endOf(ended: HistoryEntry): Answered {
  if (ended.result === 'committed') {
    return { text: verbWords.deployed(ended), value: ended, code: exitCodes.done }
  }
  const text = `${verbWords.deployed(ended)}: ${ended.why}\n${untouchedText(ended)}`
  return { text, value: ended, code: exitCodes.failed }
}
