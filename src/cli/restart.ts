import { order } from './orders.ts'
import { names, namesHelp, type Verb } from './verb.ts'

/** `restart`: stops the program and starts it again. */
export const verb: Verb = {
  help: `Usage: ota-supervisor restart [NAME...] [-C DIR]

Stops main.py and starts it again. A trial that is on begins anew.

${namesHelp}`,
  options: {},
  takes: names,
  run: (asked) => order('restart', asked),
}
