import { OperationalError, withHint } from '../errors.ts'
import { type Answers, type RequestName, requests } from './api.ts'
import type { Desk } from './desk.ts'

/** Asks a daemon: the one that runs, or the one in this process. Fails with `EREFUSED` when it refuses. */
export type Ask = <Name extends RequestName>(name: Name, body?: unknown) => Promise<Answers[Name]>

/** Asks the desk of this process, about one of many projects by its name, as `ask` does over the control socket. */
export function askDesk(desk: Desk, project: string | null): Ask {
  return async <Name extends RequestName>(name: Name, body?: unknown) => {
    const wish = requests[name].read(body)
    if (typeof wish === 'string') throw new Error(wish)
    const reply = await desk(wish, project)
    if (reply.is === 'refused') {
      throw new OperationalError(reply.why, { code: 'EREFUSED', ...withHint(reply.hint) })
    }
    if (reply.is === 'unknown') {
      throw new OperationalError(reply.why ?? name, { code: 'EREFUSED' })
    }
    const value = reply.is === 'told' ? reply.value : { text: reply.text }
    return value as Answers[Name]
  }
}
