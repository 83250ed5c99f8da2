import type { Readable } from 'node:stream'
import type { Site } from '../config.ts'
import { atMost } from '../system/clock.ts'
import { findCommand } from '../system/command.ts'
import { asksNobody, runJob } from '../system/job.ts'
import { endTagged } from '../system/tagged.ts'

/**
 * As whom pip, git and the checks run: the program's user, where that is not the daemon's own. What they
 * read is the uploader's, and root must not be told by it what to do.
 */
export type Behalf = {
  /** What goes before a command to make it this user's; nothing for the daemon's own. */
  readonly asUser: readonly string[]
  /** The same for one that takes long: it dies with the daemon, and takes nothing from the program. */
  readonly inBackground: readonly string[]
  /** Who must own what they write; null: the daemon. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
  /** HOME and the like. */
  readonly env: Readonly<Record<string, string>>
}

/** The daemon itself, at its own priority. */
export const asDaemon: Behalf = { asUser: [], inBackground: [], owner: null, env: {} }

/** `changeUser`: what `setpriv` is told to become `identity`. Commands that are missing are left out. */
export async function onBehalf(
  setpriv: string | null,
  changeUser: readonly string[],
  identity: { uid: number; gid: number; env: Readonly<Record<string, string>> } | null,
): Promise<Behalf> {
  const [nice, ionice] = [await findCommand('nice'), await findCommand('ionice')]
  const isOther = identity !== null && setpriv !== null
  return {
    asUser: isOther ? [setpriv, ...changeUser, '--'] : [],
    inBackground: [
      ...(setpriv === null ? [] : [setpriv, ...changeUser, '--pdeathsig', 'KILL', '--']),
      ...(nice === null ? [] : [nice, '-n', '10']),
      ...(ionice === null ? [] : [ionice, '-c', '2', '-n', '7', '-t']),
    ],
    owner: identity,
    env: identity?.env ?? {},
  }
}

/** How a command ended. */
export type Done = {
  /** undefined: it could not be started, was killed, or was ended before its time. */
  readonly exitCode: number | undefined
  readonly isLate: boolean
  /** The last 64 KiB of stdout and stderr, as they came; or why it could not be started. */
  readonly output: string
}

/** Runs pip, git and Python for one install: one after the other. */
export type Worker = {
  /** Runs a command in a folder (absolute) to its end, `ms` at most; never throws. */
  readonly run: (
    commandLine: readonly string[],
    cwd: string,
    ms: number,
    temporary?: string,
  ) => Promise<Done>
  /** What the command under way said last. */
  readonly lastLine: () => string
}

/** The environment variable by which all processes of an install are found again. */
const tagName = 'OTA_SUPERVISOR_INSTALL'

const outputLength = 65_536

/** How long somebody who has left the group may hold the pipes. */
const drainMs = 1_000

/** Opens the worker; `end` ends all it does. */
export function openWorker(behalf: Behalf, { paths }: Site, end: AbortSignal): Worker {
  let output = ''
  return {
    lastLine: () =>
      output
        .trimEnd()
        .split(/[\n\r]/)
        .at(-1)
        ?.trim() ?? '',
    async run(commandLine, cwd, ms, temporary) {
      output = ''
      const env = { ...environment(behalf, temporary), [tagName]: paths.environments }
      const argv = [...behalf.inBackground, ...commandLine]
      const read = async (_: 'out' | 'err', pipe: Readable) => {
        for await (const text of pipe.setEncoding('utf8')) {
          output = (output + text).slice(-outputLength)
        }
      }
      const job = { argv, cwd, env, read, drainMs }
      const first = await atMost(ms, end, (cut) => runJob(job, cut))
      // Whoever has left the group: a build that went on would write into what is removed.
      await endTagged(tagName, paths.environments)
      const done = first.is === 'done' ? first.value : first
      if (done.is === 'unstartable') return { exitCode: undefined, isLate: false, output: done.why }
      const exitCode = done.is === 'code' ? done.code : undefined
      return { exitCode, isLate: done.is === 'late', output }
    },
  }
}

/** Ends what a daemon that was killed has left of its installs; the answer is how many processes. */
export function endInstalls({ paths }: Site): Promise<number> {
  return endTagged(tagName, paths.environments)
}

/**
 * The daemon's environment, so that pip.conf, PIP_… and the SSH agent count, but for Python's own
 * variables: they would lead it to other packages. Nobody is there to be asked for a password:
 * it has no terminal either. What git's own settings say of ssh (`core.sshCommand`) counts.
 */
function environment({ env }: Behalf, temporary: string | undefined): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PYTHON'))
  return {
    ...Object.fromEntries(own),
    ...env,
    ...(temporary === undefined ? {} : { TMPDIR: temporary }),
    ...asksNobody,
    // A server that has stopped talking: git has no deadline of its own.
    GIT_HTTP_LOW_SPEED_LIMIT: '1000',
    GIT_HTTP_LOW_SPEED_TIME: '30',
    PIP_NO_INPUT: '1',
  }
}
