import type { Site } from '../config.ts'
import { ask } from '../control/client.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import type { ReleaseId } from '../model.ts'
import { untouchedText } from '../phrases.ts'
import { clock } from '../system/clock.ts'
import type { HistoryEntry } from '../update/history.ts'
import { verbWords } from '../words-verbs.ts'
import { print, printAnswer } from './screen.ts'
import { type Asked, exitCodes } from './verb.ts'

/** How often the daemon is asked, in milliseconds. */
const pollMs = 200

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
}

/**
 * Waits for the end of a release, telling what becomes of it. The answer is the exit code by its outcome. Fails
 * with `ELOST` when nothing of it is seen any more.
 */
export async function waitForEnd(
  wanted: Wanted,
  site: Pick<Site, 'paths'>,
  asked: Asked,
): Promise<number> {
  let told = ''
  // Neither here nor there for long: somebody has taken it away.
  for (let missed = 0; missed < 10; ) {
    const seen = await look(wanted, site)
    if (seen.is === 'ended') return tellEnd(seen.entry, asked)
    if (seen.is === 'held')
      return printEnd(verbWords.deployHeld(seen.id), seen, exitCodes.done, asked)
    missed = seen.is === 'gone' ? missed + 1 : 0
    if (seen.is === 'on its way' && seen.text !== told) {
      told = seen.text
      if (!asked.json) print(told)
    }
    await clock.sleep(pollMs)
  }
  throw new OperationalError(wanted.lost, { code: 'ELOST' })
}

/** `held`: its trial begins when the operator starts the program. `gone`: nothing of it is seen. */
type Seen =
  | { readonly is: 'ended'; readonly entry: HistoryEntry }
  | { readonly is: 'held'; readonly id: ReleaseId }
  | { readonly is: 'on its way'; readonly text: string }
  | { readonly is: 'gone' }

async function look({ isIt, before }: Wanted, { paths }: Pick<Site, 'paths'>): Promise<Seen> {
  const status = await ask('status', paths)
  const { underWay, program } = status
  const found = underWay.find(isIt)
  if (found !== undefined) {
    const isHeld = found.stage === 'on-trial' && program.wanted === 'down'
    if (isHeld) return { is: 'held', id: found.id }
    const text = found.waitingFor ?? verbWords.isUnderWay(found.id, found.stage)
    return { is: 'on its way', text }
  }
  const entry = (await ask('history', paths)).find((one) => isIt(candidateOf(one)))
  if (entry !== undefined) return { is: 'ended', entry }
  const text = before(status)
  return text === null ? { is: 'gone' } : { is: 'on its way', text }
}

function candidateOf(entry: HistoryEntry): Candidate {
  const { id } = entry
  return entry.from === 'git'
    ? { id, manifest: null, commit: entry.commit.new }
    : { id, manifest: entry.manifest ?? null, commit: null }
}

function tellEnd(ended: HistoryEntry, asked: Asked): number {
  if (ended.result === 'committed') {
    return printEnd(verbWords.deployed(ended), ended, exitCodes.done, asked)
  }
  const text = `${verbWords.deployed(ended)}: ${ended.why}\n${untouchedText(ended)}`
  return printEnd(text, ended, exitCodes.failed, asked)
}

/** Prints what has come of it; the answer is the code. */
export function printEnd(text: string, value: unknown, code: number, asked: Asked): number {
  printAnswer(asked, value, text)
  return code
}
