import type { ProgramReading, ProgramState } from '../model.ts'
import type { Before } from './records.ts'

/** A project's program at one moment. */
export type Standing = {
  /** The name of its project. */
  readonly name: string
  readonly reading: Pick<ProgramReading, 'state' | 'forMs' | 'health'>
  /** False after the operator's stop, until he starts it. */
  readonly isWanted: boolean
  /** Up this long, a new version of the program has passed its trial. */
  readonly trialMs: number
}

/** What becomes of a version on trial. */
export type Judgement =
  | { readonly is: 'wait' | 'keep' }
  /** These programs were up before it, and are not any more. */
  | { readonly is: 'back'; readonly missing: readonly string[] }

/**
 * Decides: a version that has been up for `stayMs` is kept once all programs are up that were so before. One of
 * them may have its own troubles just then: it is waited for as long again.
 */
export function judgeStay(
  before: Before,
  now: readonly Standing[],
  upMs: number,
  stayMs: number,
): Judgement {
  if (upMs < stayMs) return { is: 'wait' }
  const missing = now
    .filter((one) => isUp(before[one.name]) && !isBack(one, stayMs))
    .map(({ name }) => name)
  if (missing.length === 0) return { is: 'keep' }
  return upMs < 2 * stayMs ? { is: 'wait' } : { is: 'back', missing }
}

/** How the programs stand, to be compared with later. */
export function beforeOf(standings: readonly Standing[]): Before {
  return Object.fromEntries(
    standings.flatMap(({ name, reading }) => (reading === null ? [] : [[name, reading.state.is]])),
  )
}

function isUp(state: ProgramState['is'] | undefined): boolean {
  return state === 'RUNNING' || state === 'STARTING'
}

/**
 * A job that has done its work, a program that the operator has stopped, and one that something else runs, need not
 * run. One that crashes again and again runs in between, but not for long.
 */
function isBack({ reading, isWanted, trialMs }: Standing, stayMs: number): boolean {
  const { state, forMs, health } = reading
  if (!isWanted || state.is === 'ELSEWHERE') return true
  if (state.is === 'EXITED' || state.is === 'BACKOFF') {
    return state.last.is === 'code' && state.last.code === 0
  }
  const isSteady = forMs >= Math.min(trialMs, stayMs / 2)
  return state.is === 'RUNNING' && isSteady && health.is !== 'failing'
}
