import { loadConfig } from '../config-file.ts'
import { runDaemon } from '../daemon.ts'
import type { Verb } from './verb.ts'

/** `run`: the daemon itself, until a signal ends it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor [run] [-C DIR]

Runs the daemon in the foreground until Ctrl-C or SIGTERM ends it.
`,
  options: {},
  takes: { least: 0, most: 0 },
  run: async ({ directory }) => runDaemon(directory, await loadConfig(directory)),
}
