import { execa } from 'execa'

/** What a short command did. `output` is its stdout and stderr together, trimmed. */
export type CommandResult = {
  /** undefined: it could not be started, was killed, or ran into its deadline. */
  readonly exitCode: number | undefined
  readonly output: string
  /** The system's error code when it could not be started: `ENOENT`, `EACCES`. */
  readonly code: string | undefined
}

/**
 * Runs a short command to its end and never throws: what went wrong is in the result.
 * No shell is involved. `stdin` is an open file descriptor; without it there is nothing to read.
 */
export async function command(
  file: string,
  args: readonly string[],
  options: { timeoutMs?: number; stdin?: number } = {},
): Promise<CommandResult> {
  const done = await execa(file, args, {
    reject: false,
    all: true,
    // The types allow only 0 here; the documentation and the code allow any open descriptor.
    stdin: options.stdin === undefined ? 'ignore' : (options.stdin as 0),
    timeout: options.timeoutMs ?? 60_000,
    maxBuffer: 1_000_000,
  })
  return {
    exitCode: done.exitCode,
    output: (done.all ?? '').trim() || (done.shortMessage ?? ''),
    code: done.code,
  }
}
