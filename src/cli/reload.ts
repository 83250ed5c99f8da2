import { orderTo } from './orders.ts'
import { printAnswer } from './screen.ts'
import { choose } from './site.ts'
import type { Verb } from './verb.ts'

/** `reload`: puts what `supervisor.toml` says now into force. */
export const verb: Verb = {
  help: `Usage: ota-supervisor reload [-C DIR]

Reads supervisor.toml again (as SIGHUP does) and names what has changed. With a
mistake in it the old settings stay in force. main.py is not restarted.
`,
  options: {},
  takes: { least: 0, most: 0 },
  async run(asked) {
    // The file is one, and so is the daemon.
    const { door } = await choose(asked)
    const { value, text, code } = await orderTo('reload', { project: door.project, run: door.run })
    printAnswer(asked, value, text)
    return code
  },
}
