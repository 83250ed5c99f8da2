import type { ProgramState } from '../model.ts'
import type { SelfStatus } from '../self/status.ts'
import type { DaemonStatus, Status } from './status.ts'

/** How all the projects of a daemon stand. */
export type Overview = {
  /** The parent: absolute. */
  readonly directory: string
  /** Null while no daemon runs; then the rest is what the disks tell. */
  readonly daemon: DaemonStatus | null
  /** Null while no daemon runs, or there is nothing to tell. */
  readonly selfUpdate: SelfStatus | null
  /** By their names, sorted. */
  readonly projects: Readonly<Record<string, Status | NotOpen>>
}

/** A project that the daemon does not run now. */
export type NotOpen = {
  /** Absolute. */
  readonly project: string
  /** Why, for people; it is tried again every now and then. */
  readonly trouble: string
  /** What can be done about it. */
  readonly hint?: string
}

/** One project in short. */
export type Summary = {
  readonly name: string
  /** Absolute. */
  readonly directory: string
  /** The state of its program; null: the project is not open. */
  readonly state: ProgramState['is'] | null
  /** Why it is not open. */
  readonly trouble: string | null
}
