import { ask } from '../control/client.ts'
import { type Answered, answerEach } from './each.ts'
import { choose, type Place } from './site.ts'
import { type Asked, exitCodes } from './verb.ts'

/** Hands an order to the daemon for each project that is asked for, waits, and prints what was done. */
export async function order(name: 'start' | 'stop' | 'restart', asked: Asked): Promise<number> {
  return answerEach(asked, await choose(asked), ({ door }) => orderTo(name, door))
}

/** The same for one door, which may be that of the daemon itself. */
export async function orderTo(
  name: 'start' | 'stop' | 'restart' | 'rollback' | 'reload',
  door: Place['door'],
  body?: unknown,
): Promise<Answered> {
  const said = await ask(name, door, body)
  return { value: said, text: said.text, code: exitCodes.done }
}
