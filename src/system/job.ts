import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { ProcessEnd } from '../model.ts'
import { within } from './clock.ts'
import { signal } from './processes.ts'

/** A foreign command that the daemon runs to its end: a health check, a hook. */
export type Job = {
  /** The command and its arguments; no shell is involved. */
  readonly argv: readonly string[]
  /** Its working directory, absolute. */
  readonly cwd: string
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv
  /** What it reads on stdin; without it there is nothing to read. */
  readonly input?: string
  /** Reads one of its pipes to the end, or until it is cut. */
  readonly read: (stream: 'out' | 'err', pipe: Readable) => Promise<void>
  /** How long its pipes may stay open when it is gone: a process that left its group may hold them. */
  readonly drainMs: number
}

/** How a job ended. `cut`: it was ended before that. */
export type JobEnd = ProcessEnd | { readonly is: 'cut' }

/** For git, pip and ssh: they speak English, which is read, and ask nobody for a password: nobody is there. */
export const asksNobody = {
  LC_ALL: 'C.UTF-8',
  LANGUAGE: '',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  SSH_ASKPASS_REQUIRE: 'never',
} as const

/** How execa starts a foreign command whose output is read from its pipes, and whose end its 'exit' tells. */
export const pipedGroup = {
  extendEnv: false,
  // A group and session of its own: a Ctrl-C at the terminal is the daemon's to handle.
  detached: true,
  cleanup: false,
  stdout: 'pipe',
  stderr: 'pipe',
  // With its default, execa would keep all output in memory and end the command after 100 MB.
  buffer: false,
  encoding: 'buffer',
  reject: false,
} as const

/**
 * Runs a job in a process group of its own. When its leader has ended, or `cut` aborts, whoever is left
 * in the group is killed: nobody waits for them. Never throws, and settles soon after `cut` aborts,
 * even if the kernel cannot end it (a dead mount).
 */
export async function runJob(job: Job, cut: AbortSignal): Promise<JobEnd> {
  if (cut.aborted) return { is: 'cut' }
  const [file = '', ...args] = job.argv
  const child = execa(file, args, {
    ...pipedGroup,
    cwd: job.cwd,
    env: job.env,
    ...(job.input === undefined ? { stdin: 'ignore' } : { input: job.input }),
  })
  // Its promise waits for the pipes, which somebody may hold open for ever: 'exit' does not.
  child.catch(() => undefined)
  const { pid } = child
  if (pid === undefined) {
    return { is: 'unstartable', why: (await child).originalMessage ?? 'no process' }
  }
  const pumps = Promise.allSettled([job.read('out', child.stdout), job.read('err', child.stderr)])
  const exit = exitOf(child)
  const first = await within(exit, cut)
  signal(-pid, 'SIGKILL')
  const never = new AbortController().signal
  if (first.is !== 'done') await within(exit, never, job.drainMs)
  await within(pumps, never, job.drainMs)
  child.stdout.destroy()
  child.stderr.destroy()
  return first.is === 'done' ? first.value : { is: 'cut' }
}

/** The end of a child process, by its own doing or another's. */
export async function exitOf(child: NodeJS.EventEmitter): Promise<ProcessEnd> {
  const [code, name] = (await once(child, 'exit')) as [number | null, string | null]
  return code === null ? { is: 'signal', signal: name ?? 'unknown' } : { is: 'code', code }
}
