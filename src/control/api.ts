import type { Order } from '../project/orders.ts'
import type { Asked } from '../self/self-update.ts'
import type { HistoryEntry } from '../update/history.ts'
import { isReleaseId } from '../update/store.ts'
import type { Status } from './status.ts'

/** What a request asks of the daemon, once its body has been read. */
export type Wish =
  | { readonly is: 'status' | 'history' | 'reload' | 'update' }
  | { readonly is: 'self-update'; readonly asked: Asked }
  | Order

/** What each request is answered with, as JSON. */
export type Answers = {
  readonly status: Status
  /** Newest first. */
  readonly history: readonly HistoryEntry[]
  readonly start: Said
  readonly stop: Said
  readonly restart: Said
  readonly rollback: Said
  readonly reload: Said
  readonly update: Looked
  readonly 'self-update': Said
}

/** What a look at the git remote came to. A commit is given when one was found, and is on its way. */
export type Looked = Said & { readonly commit: string | null }

/** What was done, in words. */
export type Said = { readonly text: string }

/** The body of every answer that is not 200. */
export type Refusal = { readonly error: string; readonly hint?: string }

type Request = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Makes a wish of the request's JSON body (undefined when it has none); a text is what is wrong. */
  readonly read: (body: unknown) => Wish | string
}

/** THE TABLE: every request the daemon understands, on its control socket only. */
export const requests: { readonly [Name in keyof Answers]: Request } = {
  status: { method: 'GET', path: '/v1/status', read: () => ({ is: 'status' }) },
  history: { method: 'GET', path: '/v1/history', read: () => ({ is: 'history' }) },
  start: { method: 'POST', path: '/v1/start', read: () => ({ is: 'start' }) },
  stop: { method: 'POST', path: '/v1/stop', read: () => ({ is: 'stop' }) },
  restart: { method: 'POST', path: '/v1/restart', read: () => ({ is: 'restart' }) },
  rollback: { method: 'POST', path: '/v1/rollback', read: readRollback },
  reload: { method: 'POST', path: '/v1/reload', read: () => ({ is: 'reload' }) },
  update: { method: 'POST', path: '/v1/update', read: () => ({ is: 'update' }) },
  'self-update': { method: 'POST', path: '/v1/self-update', read: readSelfUpdate },
}

/** The names in the table. */
export type RequestName = keyof Answers

function readRollback(body: unknown): Wish | string {
  if (body === undefined) return { is: 'rollback', to: null }
  const to: unknown = isObject(body) ? (body['to'] ?? null) : undefined
  if (to === null) return { is: 'rollback', to }
  return typeof to === 'string' && isReleaseId(to)
    ? { is: 'rollback', to }
    : 'the body must be like {"to": "r12"}'
}

function readSelfUpdate(body: unknown): Wish | string {
  const { check = false, force = false } = isObject(body ?? {}) ? ((body ?? {}) as Switches) : {}
  return typeof check === 'boolean' && typeof force === 'boolean'
    ? { is: 'self-update', asked: { isCheck: check, isForced: force } }
    : 'the body must be like {"check": true, "force": false}'
}

type Switches = { readonly check?: unknown; readonly force?: unknown }

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
