import type { ReleaseId } from '../model.ts'

/** What the operator can ask of a project. `to`: the oldest release to be undone; null: the newest. */
export type Order =
  | { readonly is: 'start' | 'stop' | 'restart' }
  | { readonly is: 'rollback'; readonly to: ReleaseId | null }

/** What became of an order: done, or refused and nothing was changed. */
export type Answer =
  | { readonly is: 'done'; readonly text: string }
  | { readonly is: 'refused'; readonly why: string; readonly hint?: string }

/** An order with the way to answer it, once. */
export type Given = { readonly order: Order; readonly answer: (answer: Answer) => void }

/** The operator's orders, in the order in which they came. Each is answered. */
export type Orders = {
  /** Hands one in; resolves when it has been carried out or refused. */
  readonly give: (order: Order) => Promise<Answer>
  /** The next one, taken out; null when none waits. */
  readonly take: () => Given | null
  /** Aborts when an order waits, or the daemon is to end: what can be done again later gives way. */
  readonly call: () => AbortSignal
}

/** Opens the queue. When `shutdown` aborts, whoever still waits gets `last`. */
export function openOrders(shutdown: AbortSignal, last: Answer): Orders {
  let waiting: Given[] = []
  let call = new AbortController()

  shutdown.addEventListener('abort', () => {
    for (const { answer } of waiting) answer(last)
    waiting = []
    call.abort()
  })

  return {
    give(order) {
      if (shutdown.aborted) return Promise.resolve(last)
      return new Promise((answer) => {
        waiting = [...waiting, { order, answer }]
        call.abort()
      })
    },
    take() {
      const [first = null, ...others] = waiting
      waiting = others
      if (waiting.length === 0 && !shutdown.aborted) call = new AbortController()
      return first
    },
    call: () => call.signal,
  }
}
