/** The vocabulary: every word of the design that more than one room uses. No code lives here. */

/** A release's name: `r` and a number that only grows, such as `r12`. `r0` is what lay in main before. */
export type ReleaseId = `r${number}`

/** One claimed set of changes on its way into main. */
export type Release = { readonly id: ReleaseId } & Arrival

/** What is known of a release before it has its number. */
export type Arrival = {
  /** When it was claimed: ISO 8601, by the wall clock. */
  readonly at: string
  readonly files: number
  readonly bytes: number
} & Origin

/** The source a release came from. */
export type Origin =
  | {
      readonly from: 'deposit'
      /** The SHA-256 of the manifest it came with: who uploaded it can find it by that. */
      readonly manifest?: string
    }
  | {
      readonly from: 'git'
      readonly commit: Move
      /** Whoever asked for it wants no reboot: `update --now`. */
      readonly noReboot?: true
    }

/** From one commit of main's checkout to another. */
export type Move = {
  /** What main held before: the whole name of a commit. */
  readonly old: string
  readonly new: string
  /** Where it came from, for people: `main of origin`, `v1.2 of origin`. */
  readonly of: string
  /** The first line of what the commit says. */
  readonly subject: string
}

/**
 * One change to main. Paths are relative to main and to the staging folder alike.
 * `put` places a file, replacing one of the same name. `put-dir` places a folder that main does not
 * have: one rename, however much is in it; `files` and `dirs` (below it, parents first) say what.
 * If whiteouts lie in it too, which are not for main, it takes a rename for each of the files.
 * `drop` takes a file or a whole folder out of main, because a whiteout says so.
 */
export type Step =
  | { readonly do: 'put'; readonly path: string }
  | {
      readonly do: 'put-dir'
      readonly path: string
      readonly files: readonly string[]
      readonly dirs: readonly string[]
      readonly hasWhiteouts?: true
    }
  | { readonly do: 'drop'; readonly path: string }

/** A common mistake: relative to main, the program under a name that is not the entry's. */
export type Mistake =
  /** In the wrong case. */
  | { readonly is: 'case'; readonly path: string }
  /** In a folder that was uploaded instead of what is in it. */
  | { readonly is: 'folder'; readonly path: string; readonly folder: string }

/** What apply does, in order. Written to disk before the first step is taken. */
export type Plan = { readonly steps: readonly Step[] }

/** The files are on their way from the source into the staging folder. */
export type Claiming = { readonly stage: 'claiming'; readonly release: Release }

/** All files are in staging; nothing else has happened. `attempt` counts from 1. */
export type Claimed = {
  readonly stage: 'claimed'
  readonly release: Release
  readonly attempt: number
}

/**
 * Checked against main, and the plan is on disk. Only these may touch main.
 * `isFirst`: main had no program before, so there is nothing to go back to.
 */
export type Verified = {
  readonly stage: 'verified'
  readonly release: Release
  readonly attempt: number
  readonly plan: Plan
  readonly isFirst: boolean
  /** What is odd about it, but no reason to refuse it. */
  readonly warnings: readonly string[]
}

/** Written before the program is stopped; main may hold any part of the plan. */
export type Applying = {
  readonly stage: 'applying'
  readonly release: Release
  readonly attempt: number
  readonly isFirst: boolean
}

/** All of the plan is in main and durable; the program is being watched. */
export type OnTrial = {
  readonly stage: 'on-trial'
  readonly release: Release
  readonly isFirst: boolean
  /**
   * How often its trial has begun: 1 on the day, +1 for each start of the daemon. 0 while it has not
   * begun: the operator has stopped the program.
   */
  readonly boots: number
  readonly downtimeMs: number
}

/** On the way back. There is no way out but through: a restart goes on undoing. */
export type Undoing = {
  readonly stage: 'undoing'
  readonly release: Release
  readonly why: string
  readonly downtimeMs: number
}

/** Nothing of it will change main any more; what is left is tidying. */
export type Ended = {
  readonly stage: 'ended'
  readonly release: Release
  readonly outcome: Outcome
  readonly downtimeMs: number
}

/** What `stage.json` of a release can hold. `verified` is never stored: a restart verifies again. */
export type Stage = Claiming | Claimed | Applying | OnTrial | Undoing | Ended

/** The one end of a release. */
export type Outcome =
  | { readonly result: 'committed'; readonly note?: string }
  | { readonly result: 'rejected'; readonly why: string }
  | { readonly result: 'rolled-back'; readonly why: string }

/** How a process ended. `unstartable`: there never was a process. */
export type ProcessEnd =
  | { readonly is: 'code'; readonly code: number }
  | { readonly is: 'signal'; readonly signal: string }
  | { readonly is: 'unstartable'; readonly why: string }

/** How a run of the program ended: by itself, or because the daemon had to end it. */
export type Exit =
  | ProcessEnd
  | { readonly is: 'unhealthy'; readonly inARow: number; readonly why: string }
  | { readonly is: 'too big'; readonly bytes: number; readonly maxBytes: number }

/** Why the program is started or stopped. Every start and stop carries one. */
export type Cause =
  | { readonly by: 'boot' }
  | { readonly by: 'shutdown' }
  | { readonly by: 'release'; readonly id: ReleaseId }
  | { readonly by: 'roll-back'; readonly id: ReleaseId }
  | { readonly by: 'retry'; readonly after: Exit }
  | { readonly by: 'recovery' }
  /** Its packages, which were missing, are there now. */
  | { readonly by: 'packages' }
  | { readonly by: 'health'; readonly why: string }
  | { readonly by: 'memory'; readonly bytes: number }
  | { readonly by: 'operator'; readonly does: 'start' | 'stop' | 'restart' | 'rollback' }

/**
 * The life of the program, in supervisord's words. Written by `program/life.ts` only; where that runs none, by
 * `program/elsewhere.ts`.
 */
export type ProgramState =
  | {
      readonly is: 'STOPPED'
      readonly why: Cause | 'no main.py' | 'not started yet' | 'only an update'
    }
  | { readonly is: 'STARTING' | 'RUNNING'; readonly pid: number; readonly cause: Cause }
  | { readonly is: 'STOPPING'; readonly pid: number; readonly cause: Cause }
  | { readonly is: 'BACKOFF'; readonly last: Exit; readonly waitMs: number }
  | { readonly is: 'EXITED'; readonly last: Exit }
  | { readonly is: 'FATAL'; readonly last: Exit; readonly waitMs: number }
  /** Something else runs it, or nothing: the settings say so. */
  | { readonly is: 'ELSEWHERE' }

/** The program at one moment, for whoever asks. */
export type ProgramReading = {
  readonly state: ProgramState
  /** How long it has been in this state: milliseconds. */
  readonly forMs: number
  /** Why it was last started; null before the first start. */
  readonly cause: Cause | null
  /** Which release's files it was started from; null before the first start. */
  readonly release: ReleaseId | null
  /** Its restarts after crashes since it was last started for another reason. */
  readonly restarts: number
  /** How it last ended by itself; null when it never did. */
  readonly lastExit: Exit | null
  /** What the health checks of the process that runs have shown; `none` when nothing runs. */
  readonly health: Health
}

/**
 * What the health checks have shown. `none`: there is no check. `starting`: not well yet, and it need not
 * be. `failing`: the last `inARow` checks failed; `wasHealthy`: it had been well before.
 */
export type Health =
  | { readonly is: 'none' }
  | { readonly is: 'starting'; readonly why?: string }
  | { readonly is: 'healthy' }
  | {
      readonly is: 'failing'
      readonly wasHealthy: boolean
      readonly inARow: number
      readonly why: string
    }

/**
 * Output of the program as bytes: one or more whole lines with their line ends, or a line's piece
 * without one.
 */
export type Output = { readonly stream: 'out' | 'err'; readonly bytes: Buffer }

/** Where every line for humans goes: console and session file. */
export type Log = {
  readonly info: (text: string) => void
  readonly warn: (text: string) => void
  readonly error: (text: string) => void
  /** What the program printed, under the release it runs, or a hook. Its bytes are good during the call only. */
  readonly output: (who: ReleaseId | 'hook', output: Output) => void
  /** Null: there is room for more output. Else resolves when there is: awaiting it is the back-pressure. */
  readonly room: () => Promise<unknown> | null
}

/** Whether anybody has a file open for writing. `unknown`: the system does not tell this user. */
export type WriterAnswer = 'free' | 'busy' | 'gone' | 'unknown'

/** Knows who is writing. */
export type Writers = {
  /** One answer for each absolute path, in order. */
  readonly ask: (paths: readonly Buffer[]) => Promise<readonly WriterAnswer[]>
  readonly close: () => Promise<void>
}

/** A process that serves one upload connection, or copies files by itself. */
export type Session = {
  readonly pid: number
  /** Such as `sftp-server` or `vsftpd`. */
  readonly name: string
  /** The user it acts as: the owner of the files it makes. */
  readonly uid: number
}

/** Why the deposit is not claimed yet; the first reason that applies. */
export type Hold =
  | { readonly because: 'marker'; readonly path: string }
  | { readonly because: 'temporary'; readonly path: string }
  | { readonly because: 'writer'; readonly path: string; readonly others: number }
  | { readonly because: 'session'; readonly session: Session; readonly isKnown: boolean }
  | { readonly because: 'connection'; readonly many: number }
  | { readonly because: 'broken'; readonly why: string }
  /** Its packages could not be fetched. */
  | { readonly because: 'unreachable' }
  /** `missing`: how many of the files that the list names are not there yet. */
  | { readonly because: 'manifest'; readonly why: string; readonly missing: number }
  /** The upload is complete, but the system does not let it be claimed. */
  | { readonly because: 'unclaimed'; readonly why: string; readonly hint: string | undefined }
  /** The deposit itself cannot be looked at. */
  | { readonly because: 'unreadable'; readonly why: string }
  | {
      readonly because: 'quiet'
      readonly ms: number
      readonly leftMs: number
      readonly isGuess: boolean
    }

/**
 * What is guaranteed about half-written files here. `exact`: a file that anyone writes is never
 * claimed. `connections`: it is not while its owner's upload connection lives. `timer`: a guess.
 */
export type Guarantee =
  | { readonly is: 'exact' }
  | { readonly is: 'connections' | 'timer'; readonly because: Doubt }

/** What stands in the way of an exact answer. */
export type Doubt =
  | { readonly is: 'no leases'; readonly why: string }
  | { readonly is: 'other owner'; readonly uid: number }

/** Time, as a parameter. */
export type Clock = {
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number
  /** The wall clock, for people. */
  readonly wall: () => Date
  /** Resolves after `ms`, or at once (never rejecting) when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}
