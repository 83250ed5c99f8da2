import { order } from './orders.ts'
import type { Verb } from './verb.ts'

/** `restart`: stops the program and starts it again. */
export const verb: Verb = {
  help: `Usage: ota-supervisor restart [-C DIR]

Stops main.py and starts it again. A trial that is on begins anew.
`,
  options: {},
  takes: { least: 0, most: 0 },
  run: (asked) => order('restart', asked),
}
