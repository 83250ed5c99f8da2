import { order } from './orders.ts'
import { names, namesHelp, type Verb } from './verb.ts'

/** `stop`: stops the program until `start`, whatever happens meanwhile. */
export const verb: Verb = {
  help: `Usage: ota-supervisor stop [NAME...] [-C DIR]

Stops main.py, and remembers it: neither a crash, an upload nor a reboot starts
it before: ota-supervisor start. Uploads are applied meanwhile. The daemon goes
on.

${namesHelp}`,
  options: {},
  takes: names,
  run: (asked) => order('stop', asked),
}
