import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { within } from './clock.ts'
import { membersOf, signal, taggedWith } from './processes.ts'

/** A command that may take minutes, with all the processes that it starts. */
export type Job = {
  /** What it said last, for people who wait; `''` at the beginning. */
  readonly lastLine: () => string
  /** Resolves when it and all that it started has ended; never rejects. */
  readonly done: Promise<JobResult>
}

/** How a job ended. */
export type JobResult = {
  /** undefined: it could not be started, was killed, or was ended by `end` or its deadline. */
  readonly exitCode: number | undefined
  readonly isLate: boolean
  /** The last 64 KiB of stdout and stderr, as they came; or why it could not be started. */
  readonly output: string
}

/** The environment variable by which a job's processes are found again. */
const tagName = 'OTA_SUPERVISOR_JOB'

const outputBytes = 65_536
const drainMs = 1_000

/** A process that not even SIGKILL ends, stuck in the kernel, is not waited for any longer. */
const killMs = 10_000
const killPollMs = 20

/**
 * Starts a job, in a process group of its own and with nothing to read. `tag` names its owner: when the
 * daemon is killed, `endJobs` finds what is left. `end` and the deadline kill all of it: what it has made
 * by then counts for nothing.
 */
export function startJob(
  commandLine: readonly [string, ...string[]],
  about: {
    readonly cwd: string
    readonly env: NodeJS.ProcessEnv
    readonly tag: string
    readonly timeoutMs: number
    readonly end: AbortSignal
  },
): Job {
  const [file, ...args] = commandLine
  const child = spawn(file, args, {
    cwd: about.cwd,
    env: { ...about.env, [tagName]: about.tag },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  const read = (pipe: Readable) =>
    pipe.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-outputBytes)
    })
  const pipes = [read(child.stdout), read(child.stderr)]

  async function run(): Promise<JobResult> {
    const exit = once(child, 'exit') as Promise<[number | null]>
    const closed = once(child, 'close')
    closed.catch(() => undefined)
    try {
      const first = await within(exit, about.end, about.timeoutMs)
      await killAll(child.pid, about.tag)
      // Somebody who cleared its environment may still hold the pipes.
      await within(closed, new AbortController().signal, drainMs)
      const code = first.is === 'done' ? first.value[0] : null
      return { exitCode: code ?? undefined, isLate: first.is === 'late', output }
    } catch (error) {
      return { exitCode: undefined, isLate: false, output: String(error) }
    } finally {
      for (const pipe of pipes) pipe.destroy()
    }
  }

  return { lastLine: () => lastLineOf(output), done: run() }
}

/** Ends what a daemon that was killed has left of its jobs; the answer is how many there were. */
export async function endJobs(tag: string): Promise<number> {
  const found = taggedWith(tagName, tag)
  await killAll(undefined, tag)
  return found.length
}

/** Until nobody is left: what somebody still writes into must not be taken for done, or for gone. */
async function killAll(group: number | undefined, tag: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < killMs; waitedMs += killPollMs) {
    const inGroup = group === undefined ? [] : membersOf(group)
    const left = [...inGroup, ...taggedWith(tagName, tag)]
    if (left.length === 0) return
    for (const { pid } of left) signal(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, killPollMs))
  }
}

function lastLineOf(output: string): string {
  return (
    output
      .trimEnd()
      .split(/[\n\r]/)
      .at(-1)
      ?.trim() ?? ''
  )
}
