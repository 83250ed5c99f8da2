import { isReleaseId } from '../update/store.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { order } from './orders.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `rollback`: undoes the newest release, or all back to before one. */
export const verb: Verb = {
  help: `Usage: ota-supervisor rollback [ID] [-C DIR]

Undoes the newest release; with ID (such as r12) that one and all that came
after it. A trial that is on ends at once. What main.py has written since stays
as it is. The last 5 releases can be undone: see ota-supervisor history.
`,
  options: {},
  takes: { least: 0, most: 1 },
  async run(asked) {
    const [to = null] = asked.args
    if (to === null || isReleaseId(to)) return order('rollback', asked, { to })
    const hint = 'see: ota-supervisor rollback --help'
    console.error(words.failure(verbWords.notARelease(to), hint))
    return exitCodes.usage
  },
}
