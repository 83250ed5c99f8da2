import { hintOf, isExpected, messageOf, withHint } from '../errors.ts'
import type { Cause, ReleaseId } from '../model.ts'
import { broughtTheProgram, journaled } from '../update/journals.ts'
import { words } from '../words.ts'
import { committedRelease, goBack, rollBack } from './back.ts'
import { type Ground, isHeld, type Started, startProgram } from './ground.ts'
import type { Answer, Order } from './orders.ts'
import { goOn, suspend } from './road.ts'
import { beginTrial, newestOf, type Trial } from './trial.ts'
import { forgetStop, rememberStop } from './wanted.ts'

/** What an order comes to: what is on trial afterwards, and the answer. */
export type CarriedOut = { readonly trial: Trial | null; readonly answer: Answer }

/** Carries out the next order, and answers it whatever happens: what is on trial afterwards. */
export async function obey(trial: Trial | null, on: Ground): Promise<Trial | null> {
  const given = on.orders.take()
  if (given === null) return trial
  try {
    const done = await carryOut(given.order, trial, on)
    given.answer(done.answer)
    return done.trial
  } catch (error) {
    given.answer({ is: 'refused', why: messageOf(error), ...withHint(hintOf(error)) })
    // What the system does not allow changes nothing else; anything else is a bug, or the end.
    if (isExpected(error)) return trial
    throw error
  }
}

/** Carries out what the operator asks for. His word counts more than crashes and uploads. */
export async function carryOut(order: Order, trial: Trial | null, on: Ground): Promise<CarriedOut> {
  on.log.info(words.ordered(order.is))
  const odd = refusal(order, on)
  if (odd !== null) return { trial, answer: odd }
  switch (order.is) {
    case 'stop':
      return stop(trial, on)
    case 'start':
      return start(trial, on)
    case 'restart':
      return restart(trial, on)
    case 'rollback':
      return rollback(order.to, trial, on)
  }
}

/** Why an order makes no sense here; null: it does. */
function refusal({ is }: Order, { elsewhere, isPass }: Ground): Answer | null {
  if (is === 'rollback') return null
  if (elsewhere !== null) {
    return { is: 'refused', why: words.runElsewhere, hint: words.runElsewhereHint }
  }
  return isPass ? { is: 'refused', why: words.onlyUpdate } : null
}

/** The stop is on disk before the program is stopped: nothing starts it again, not even a power cut. */
async function stop(trial: Trial | null, on: Ground): Promise<CarriedOut> {
  await rememberStop(on.clock.wall().toISOString(), on.site)
  const held = trial === null ? null : await suspend(trial, on)
  await on.program.stop({ by: 'operator', does: 'stop' })
  return { trial: held, answer: { is: 'done', text: words.staysStopped } }
}

async function start(trial: Trial | null, on: Ground): Promise<CarriedOut> {
  await forgetStop(on.site)
  const { is } = on.program.state()
  if (is === 'RUNNING' || is === 'STARTING') {
    return { trial, answer: { is: 'done', text: words.runsAlready } }
  }
  return run({ by: 'operator', does: 'start' }, trial, on)
}

async function restart(trial: Trial | null, on: Ground): Promise<CarriedOut> {
  await forgetStop(on.site)
  return run({ by: 'operator', does: 'restart' }, trial, on)
}

/** Ends what runs, or waits to be run again, and starts it; a trial begins anew. */
async function run(cause: Cause, trial: Trial | null, on: Ground): Promise<CarriedOut> {
  await on.program.stop(cause)
  if (trial === null) {
    const started = await startProgram(await committedRelease(on), cause, on)
    return { trial, answer: answerTo(started, on) }
  }
  const again = await (trial.verdict === null
    ? goOn(trial.releases, cause, on)
    : beginTrial(trial.releases, cause, on))
  const { id } = newestOf(trial.releases).release
  return { trial: again, answer: { is: 'done', text: words.startedOnTrial(id) } }
}

function answerTo(started: Started, on: Ground): Answer {
  switch (started.is) {
    case 'running':
      return { is: 'done', text: words.startedNow }
    case 'no program':
      return { is: 'refused', why: words.noMain(on.site.paths.main, on.site.paths.deposit) }
    case 'held':
    case 'ending':
    case 'elsewhere':
      return { is: 'refused', why: words.endingNow }
  }
}

/** Undoes what is on trial; or the newest committed release, and all above `to`, with it. */
async function rollback(
  to: ReleaseId | null,
  trial: Trial | null,
  on: Ground,
): Promise<CarriedOut> {
  const onTrial = trial?.releases.map(({ release }) => release.id) ?? []
  if (trial !== null && (to === null || onTrial.includes(to))) return endTrial(trial, on)
  const kept = await journaled(on.site)
  const [newest] = kept
  const last = kept.findIndex(({ id }) => id === (to ?? newest?.id))
  if (last < 0) return refuse(to === null ? words.nothingToUndo : words.notKept(to), trial)
  const undone = kept.slice(0, last + 1)
  for (const release of undone) {
    if (await broughtTheProgram(release, on.site))
      return refuse(words.isTheFirst(release.id), trial)
  }
  if (trial !== null) await goBack(trial.releases, words.byOperator, on)
  await rollBack(undone, words.byOperator, on)
  return { trial: null, answer: doneBack(await committedRelease(on), on) }
}

async function endTrial(trial: Trial, on: Ground): Promise<CarriedOut> {
  const first = trial.releases.find(({ isFirst }) => isFirst)
  if (first !== undefined) return refuse(words.isTheFirst(first.release.id), trial)
  await goBack(trial.releases, words.byOperator, on)
  return { trial: null, answer: doneBack(await committedRelease(on), on) }
}

function doneBack(now: ReleaseId, on: Ground): Answer {
  return { is: 'done', text: words.isBack(now, !isHeld(on)) }
}

function refuse(why: string, trial: Trial | null): CarriedOut {
  return { trial, answer: { is: 'refused', why } }
}
