import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'

/** What a short command did. */
export type CommandResult = {
  /** undefined: it could not be started, was killed, or ran into its deadline. */
  readonly exitCode: number | undefined
  readonly stdout: string
  /** stdout and stderr together, trimmed; if both are empty, what went wrong. */
  readonly output: string
  /** The system's error code when it could not be started: `ENOENT`, `EACCES`. */
  readonly code: string | undefined
}

/**
 * Runs a short command to its end and never throws: what went wrong is in the result. No shell is
 * involved. `stdin` is an open file descriptor and `input` a text, or a stream of it; without them there is
 * nothing to read. `env` adds to the environment. `end` ends it early. `timeoutMs`: a minute if not given; 0: none.
 * `heard` is called for each piece that comes on stdout.
 */
export async function command(
  file: string,
  args: readonly string[],
  options: {
    timeoutMs?: number
    stdin?: number
    input?: string | Readable
    cwd?: string
    env?: NodeJS.ProcessEnv
    end?: AbortSignal
    heard?: () => void
  } = {},
): Promise<CommandResult> {
  // Loaded here: it is a hundred modules, and the short verbs run no command. The daemon runs its first
  // one when it starts, so it does not depend on its files later.
  const { execa } = await import('execa')
  const running = execa(file, args, {
    reject: false,
    all: true,
    timeout: options.timeoutMs ?? 60_000,
    maxBuffer: 100_000_000,
    ...stdinFor(options),
    ...(options.end === undefined ? {} : { cancelSignal: options.end }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  if (options.heard !== undefined) running.stdout?.on('data', options.heard)
  const done = await running
  return {
    exitCode: done.exitCode,
    stdout: done.stdout ?? '',
    output: (done.all ?? '').trim() || (done.shortMessage ?? ''),
    code: done.code,
  }
}

function stdinFor({ stdin, input }: { stdin?: number; input?: string | Readable }) {
  if (input !== undefined) return { input }
  // The types allow only 0 here; the documentation and the code allow any open descriptor.
  return { stdin: stdin === undefined ? ('ignore' as const) : (stdin as 0) }
}

/** The absolute path of a command, or null when PATH has none. */
export async function findCommand(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder.startsWith('/') && isThere) return path
  }
  return null
}
