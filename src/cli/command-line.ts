import { parseArgs } from 'node:util'

/** What was asked for on the command line. */
export type CommandLine = {
  readonly verb: 'run' | 'version' | 'help'
  /** The project directory, as given. */
  readonly directory: string
}

/** Exit codes of every verb. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/** What `--help` prints. */
export const usage = `ota-supervisor keeps main/main.py running and swaps in what is put into deposit/.

Usage: ota-supervisor [run] [-C DIR]

Verbs:
  run        run the daemon in the foreground (the default)
  version    print the version

Options:
  -C, --directory DIR   the project directory (default: the current one)
  -h, --help            this text

Exit codes: 0 done, 1 failed, 2 wrong usage.
`

/** Reads the arguments; a text is what is wrong with them. */
export function parseCommandLine(args: readonly string[]): CommandLine | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        directory: { type: 'string', short: 'C', default: '.' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    })
    const [verb = 'run', ...more] = positionals
    const { directory } = values
    if (values.help) return { verb: 'help', directory }
    if (values.version) return { verb: 'version', directory }
    if (more.length > 0) return `unexpected argument: ${more[0]}`
    if (verb === 'run' || verb === 'version' || verb === 'help') return { verb, directory }
    return `unknown verb: ${verb}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
