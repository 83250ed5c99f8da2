import { order } from './orders.ts'
import { names, namesHelp, type Verb } from './verb.ts'

/** `start`: runs the program again after `stop`, or at once when it waits after crashes. */
export const verb: Verb = {
  help: `Usage: ota-supervisor start [NAME...] [-C DIR]

Starts main.py: after a stop, or at once when it waits after crashes. A release
that was applied meanwhile is on trial from now on.

${namesHelp}`,
  options: {},
  takes: names,
  run: (asked) => order('start', asked),
}
