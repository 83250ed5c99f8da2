import type { Readable } from 'node:stream'
import { withDeadline } from '../../system/clock.ts'
import { asksNobody, runJob } from '../../system/job.ts'

/** As whom git works in the checkout: its owner, where the daemon is root. */
export type As = {
  /** What goes before a command to make it this user's, and end with the daemon. */
  readonly before: readonly string[]
  /** To whom files are given that git would have made; null: they are the daemon's own. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
  /** HOME and the like. */
  readonly env: Readonly<Record<string, string>>
}

/** What a call of git came to. */
export type Answer = {
  /** undefined: it could not be started, was killed, or was ended before its time. */
  readonly code: number | undefined
  readonly out: string
  /** The last 16 kB of what it complained of. */
  readonly err: string
  readonly isLate: boolean
}

/** How git is called beside its arguments. */
export type Call = {
  /** What it reads; without it there is nothing to read. */
  readonly input?: string
  /** It is ended when it has said nothing for this long; without it, two minutes. */
  readonly ms?: number
  /** The command that makes a connection over SSH. */
  readonly ssh?: string
  /** Reads what it prints, instead of `out`, and tells of each piece that it goes on. */
  readonly read?: (pipe: Readable, goesOn: () => void) => Promise<void>
}

/** Runs git in one checkout; never throws. */
export type Git = (args: readonly string[], call?: Call) => Promise<Answer>

/**
 * Opens the way to call git in a folder, which must be the top of a checkout itself. Nobody is asked for a
 * password, nothing of the repository is run (hooks, monitors), no address can run a command, and what is
 * written is durable. `end` ends what is under way.
 */
export function openCalls(folder: string, above: string, as: As, end: AbortSignal): Git {
  return async (args, call = {}) => {
    let out = ''
    let err = ''
    const deadline = withDeadline(call.ms ?? 120_000, end)
    const done = await runJob(
      {
        argv: [...as.before, 'git', ...settings, ...args],
        cwd: folder,
        env: environment(above, as, call.ssh),
        ...(call.input === undefined ? {} : { input: call.input }),
        async read(stream, pipe) {
          if (stream === 'out' && call.read !== undefined) return call.read(pipe, deadline.renew)
          for await (const text of pipe.setEncoding('utf8')) {
            deadline.renew()
            if (stream === 'out') out += text
            else err = (err + text).slice(-16_000)
          }
        },
        drainMs: 1_000,
      },
      deadline.signal,
    )
    deadline.clear()
    const isLate = done.is === 'cut' && !end.aborted
    if (done.is === 'unstartable') return { code: undefined, out, err: done.why, isLate }
    const code = done.is === 'code' ? done.code : undefined
    return { code, out, err, isLate }
  }
}

/** Where git keeps what belongs to this checkout, absolute; `''`: it is none. */
export async function gitFolder(git: Git): Promise<string> {
  return (await git(['rev-parse', '--absolute-git-dir'])).out.trim()
}

/** The ways that git may go. `ext::` and the like would run commands. */
export const allowedSchemes: readonly string[] = ['https', 'ssh', 'http', 'git', 'file']

/** They go before all that is set elsewhere. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.fsync=all',
  'core.quotePath=false',
  'protocol.allow=never',
  ...allowedSchemes.map((scheme) => `protocol.${scheme}.allow=always`),
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=30',
  // A tag `v2.0-rc1` comes before `v2.0`.
  'versionsort.suffix=-',
].flatMap((one) => ['-c', one])

function environment(above: string, as: As, ssh: string | undefined): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  return {
    ...Object.fromEntries(own),
    ...as.env,
    ...asksNobody,
    // A repository around the project is not meant.
    GIT_CEILING_DIRECTORIES: above,
    // Who only looks must not lock out somebody who works there.
    GIT_OPTIONAL_LOCKS: '0',
    ...(ssh === undefined ? {} : { GIT_SSH_COMMAND: ssh }),
  }
}
