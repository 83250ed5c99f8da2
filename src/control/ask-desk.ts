import { OperationalError, withHint } from '../errors.ts'
import { type Answers, type RequestName, requests } from './api.ts'
import type { Desk } from './desk.ts'

/** Asks a daemon: the one that runs, or the one in this process. Fails with `EREFUSED` when it refuses. */
export type Ask = <Name extends RequestName>(name: Name, body?: unknown) => Promise<Answers[Name]>

/** Asks the desk of this process, as `ask` does over the control socket. */
export function askDesk(desk: Desk): Ask {
  return async <Name extends RequestName>(name: Name, body?: unknown) => {
    const wish = requests[name].read(body)
    if (typeof wish === 'string') throw new Error(wish)
    const reply = await desk(wish)
    if (reply.is === 'refused') {
      throw new OperationalError(reply.why, { code: 'EREFUSED', ...withHint(reply.hint) })
    }
    const value = reply.is === 'told' ? reply.value : { text: reply.text }
    return value as Answers[Name]
  }
}
