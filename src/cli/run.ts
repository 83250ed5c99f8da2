import { loadLayout } from '../config-projects.ts'
import type { Verb } from './verb.ts'

/** `run`: the daemon itself, until a signal ends it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor [run] [-C DIR]

Runs the daemon in the foreground until Ctrl-C or SIGTERM ends it.
`,
  options: {},
  takes: { least: 0, most: 0 },
  async run({ directory }) {
    // Loaded here: `--help` without a verb shows the help of this one, and needs no daemon.
    const { runDaemon } = await import('../daemon.ts')
    return runDaemon(directory, await loadLayout(directory))
  },
}
