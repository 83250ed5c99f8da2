import type { Desk } from '../control/desk.ts'
import type { SessionLog } from '../log/session.ts'
import type { Answer } from '../project/orders.ts'
import type { Lock } from '../system/lock.ts'
import type { Shared } from './project.ts'
import type { Standing } from './report.ts'
import type { Reading, Unopened } from './self.ts'

/** What a daemon runs: one project, or many. */
export type Household = Standing & {
  /** What has to be done before it can be asked anything. */
  readonly open: () => Promise<void>
  readonly desk: Desk
  /** The projects, and how the programs of those that are open stand. */
  readonly readings: () => readonly (Reading | Unopened)[]
  /** What runs just now, for the beginning of a log file. */
  readonly runs: () => string
  /** Puts into force what the settings file says now. */
  readonly reload: () => Promise<Answer>
  /** Runs all of it until the daemon is to end. */
  readonly run: () => Promise<void>
}

/** A household whose ground is locked. */
export type Begun = {
  readonly lock: Lock
  /** With what each file of the log begins, and what there is to say of what runs at first; it may be nothing. */
  readonly hello: string
  readonly atFirst: string
  /** `shutdown` aborts when the daemon is to end. */
  readonly household: (log: SessionLog, shutdown: AbortSignal, shared: Shared) => Household
}
