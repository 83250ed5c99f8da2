import { order } from './orders.ts'
import type { Verb } from './verb.ts'

/** `reload`: puts what `supervisor.toml` says now into force. */
export const verb: Verb = {
  help: `Usage: ota-supervisor reload [-C DIR]

Reads supervisor.toml again (as SIGHUP does) and names what has changed. With a
mistake in it the old settings stay in force. main.py is not restarted.
`,
  options: {},
  takes: { least: 0, most: 0 },
  run: (asked) => order('reload', asked),
}
