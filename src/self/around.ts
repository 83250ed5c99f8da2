import type { Site } from '../config.ts'
import type { Outside } from '../source/git/turns.ts'
import type { Install } from './install.ts'
import type { Standing } from './stay.ts'

/** What looks and fetches need. */
export type Means = {
  /** The ground of the daemon, whose settings count. */
  readonly site: Site
  /** The version that runs. */
  readonly version: string
  /** Where versions are installed; null: nowhere, they can only be told of. */
  readonly install: Install | null
  /** The command `setpriv`, with which what is started ends with the daemon; null: there is none. */
  readonly setpriv: string | null
  readonly end: AbortSignal
}

/** What of the daemon concerns its own versions. */
export type Around = {
  readonly means: Means
  /** True when the daemon is started again by `launch` when it ends. */
  readonly isLaunched: boolean
  readonly outside: Outside
  /** The programs of all projects. */
  readonly standings: () => readonly Standing[]
  /** True while a release of any project is on its way or on trial. */
  readonly isBusy: () => Promise<boolean>
  /** Ends the daemon in order; the text says why, in the last line of the log. */
  readonly endDaemon: (how: string) => void
}
