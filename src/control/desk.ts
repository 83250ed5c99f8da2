import type { Site } from '../config.ts'
import { withHint } from '../errors.ts'
import type { Answer, Orders } from '../project/orders.ts'
import { type Look, lookText } from '../source/git/look.ts'
import { readHistory } from '../update/history.ts'
import type { Looked, Wish } from './api.ts'
import { type Live, liveStatus } from './status.ts'

/** The answer to a wish: what was asked for, or what became of an order. */
export type Reply =
  | Answer
  | { readonly is: 'told'; readonly value: unknown }
  /** There is no such request here, or no such project: `why`. */
  | { readonly is: 'unknown'; readonly why?: string }

/** Carries out what comes over the control socket, for the daemon itself or one of its projects. */
export type Desk = (wish: Wish, project: string | null) => Promise<Reply>

/** The desk of one project. */
export type ProjectDesk = (wish: Wish) => Promise<Reply>

/** Opens the desk of a project: it tells by itself, and hands orders to the project. */
export function openDesk(
  site: Site,
  live: Live,
  orders: Orders,
  reload: () => Promise<Answer>,
): ProjectDesk {
  return async (wish) => {
    switch (wish.is) {
      case 'status':
        return { is: 'told', value: await liveStatus(site, live) }
      case 'history':
        return { is: 'told', value: (await readHistory(site)).toReversed() }
      case 'projects':
        return { is: 'unknown' }
      case 'reload':
        return reload()
      case 'self-update':
        return live.selfUpdate.byHand(wish.asked)
      case 'update':
        return looked(await live.git.lookNow(wish.isNow))
      default:
        return orders.give(wish)
    }
  }
}

function looked(look: Look): Reply {
  if (look.is === 'waits' || look.is === 'failed') {
    const { why, hint } = look
    return { is: 'refused', why, ...withHint(hint) }
  }
  const commit = look.is === 'found' ? look.incoming.move.new : null
  return { is: 'told', value: { text: lookText(look), commit } satisfies Looked }
}
