import type { Site } from '../config.ts'
import { type JobResult, startJob } from '../system/job.ts'

/** Runs pip, git and Python for one install: one after the other, at low priority. */
export type Worker = {
  /** Runs a command in a folder (absolute) to its end, `ms` at most; never throws. */
  readonly run: (
    commandLine: readonly string[],
    cwd: string,
    ms: number,
    temporary?: string,
  ) => Promise<JobResult>
  /** What the command under way said last. */
  readonly lastLine: () => string
}

/**
 * Opens the worker. `prefix` is what goes before each command: what ends it with the daemon and
 * lowers its priority. `end` ends all it does.
 */
export function openWorker(prefix: readonly string[], site: Site, end: AbortSignal): Worker {
  let lastLine = () => ''
  return {
    lastLine: () => lastLine(),
    run([first = '', ...rest], cwd, ms, temporary) {
      const [file = first, ...args] = [...prefix, first, ...rest]
      const job = startJob([file, ...args], {
        cwd,
        env: environment(temporary),
        tag: tagOf(site),
        timeoutMs: ms,
        end,
      })
      lastLine = job.lastLine
      return job.done
    },
  }
}

/** What the jobs of a project are found by, should the daemon be killed. */
export function tagOf({ paths }: Site): string {
  return paths.environments
}

/**
 * The daemon's environment, so that pip.conf, PIP_… and the SSH agent count, but Python's own
 * variables: they would lead it to other packages. Nobody is there to be asked for a password.
 */
function environment(temporary: string | undefined): NodeJS.ProcessEnv {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, ...all } = process.env
  const rest = Object.fromEntries(Object.entries(all).filter(([name]) => !/^PYTHON/.test(name)))
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=15',
    ...rest,
    ...(temporary === undefined ? {} : { TMPDIR: temporary }),
    // English, for `failureOf`.
    LC_ALL: 'C.UTF-8',
    LANGUAGE: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS_REQUIRE: 'never',
    // A server that has stopped talking (git has no deadline of its own).
    GIT_HTTP_LOW_SPEED_LIMIT: '1000',
    GIT_HTTP_LOW_SPEED_TIME: '30',
    PIP_NO_INPUT: '1',
  }
}
