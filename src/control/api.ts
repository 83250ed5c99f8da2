import type { Order } from '../project/orders.ts'
import type { Asked } from '../self/self-update.ts'
import type { HistoryEntry } from '../update/history.ts'
import { isReleaseId } from '../update/store.ts'
import type { Overview, Summary } from './overview.ts'
import type { Status } from './status.ts'

/** What a request asks of the daemon, once its body has been read. */
export type Wish =
  | { readonly is: 'status' | 'projects' | 'history' | 'reload' }
  /** `isNow`: what is found is not to reboot the machine. */
  | { readonly is: 'update'; readonly isNow: boolean }
  | { readonly is: 'self-update'; readonly asked: Asked }
  | Order

/** What each request is answered with, as JSON. */
export type Answers = {
  readonly status: Status
  /** Of a daemon of many projects, which answers so where no project is named. */
  readonly overview: Overview
  /** The same in short. Only a daemon of many projects knows this request. */
  readonly projects: readonly Summary[]
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

const projectsPath = '/v1/projects'

type Request = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Makes a wish of the request's JSON body (undefined when it has none); a text is what is wrong. */
  readonly read: (body: unknown) => Wish | string
}

/**
 * THE TABLE: every request the daemon understands, on its control socket only. A daemon of many projects knows
 * each of them for a project too: `/v1/projects/NAME/status`.
 */
export const requests: { readonly [Name in keyof Answers]: Request } = {
  status: { method: 'GET', path: '/v1/status', read: () => ({ is: 'status' }) },
  overview: { method: 'GET', path: '/v1/status', read: () => ({ is: 'status' }) },
  projects: { method: 'GET', path: projectsPath, read: () => ({ is: 'projects' }) },
  history: { method: 'GET', path: '/v1/history', read: () => ({ is: 'history' }) },
  start: { method: 'POST', path: '/v1/start', read: () => ({ is: 'start' }) },
  stop: { method: 'POST', path: '/v1/stop', read: () => ({ is: 'stop' }) },
  restart: { method: 'POST', path: '/v1/restart', read: () => ({ is: 'restart' }) },
  rollback: { method: 'POST', path: '/v1/rollback', read: readRollback },
  reload: { method: 'POST', path: '/v1/reload', read: () => ({ is: 'reload' }) },
  update: { method: 'POST', path: '/v1/update', read: readUpdate },
  'self-update': { method: 'POST', path: '/v1/self-update', read: readSelfUpdate },
}

/** The path of a request to the daemon itself, or about one of its projects. */
export function pathFor({ path }: Pick<Request, 'path'>, project: string | null): string {
  return project === null ? path : `${projectsPath}/${project}${path.slice('/v1'.length)}`
}

/** The project that a path is about, if it names one, and the path in the table. */
export function readPath(path: string): { readonly path: string; readonly project: string | null } {
  const [, project = null, rest = ''] = /^\/v1\/projects\/([^/]+)(\/.+)$/.exec(path) ?? []
  return project === null ? { path, project } : { path: `/v1${rest}`, project }
}

/** The names in the table. */
export type RequestName = keyof Answers

function readRollback(body: unknown): Wish | string {
  const fields = fieldsOf(body)
  const { to = null } = fields ?? {}
  if (fields !== null && to === null) return { is: 'rollback', to }
  return typeof to === 'string' && isReleaseId(to)
    ? { is: 'rollback', to }
    : 'the body must be like {"to": "r12"}'
}

function readSelfUpdate(body: unknown): Wish | string {
  const fields = fieldsOf(body)
  const { check = false, force = false } = fields ?? {}
  return fields !== null && typeof check === 'boolean' && typeof force === 'boolean'
    ? { is: 'self-update', asked: { isCheck: check, isForced: force } }
    : 'the body must be like {"check": true, "force": false}'
}

function readUpdate(body: unknown): Wish | string {
  const fields = fieldsOf(body)
  const { now = false } = fields ?? {}
  return fields !== null && typeof now === 'boolean'
    ? { is: 'update', isNow: now }
    : 'the body must be like {"now": true}'
}

/** What a body says; without one, nothing. Null: it is no object. */
function fieldsOf(body: unknown): Readonly<Record<string, unknown>> | null {
  if (body === undefined) return {}
  return isObject(body) ? body : null
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
