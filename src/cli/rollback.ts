import { isReleaseId } from '../update/store.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { orderTo } from './orders.ts'
import { printAnswer } from './screen.ts'
import { chooseOne } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `rollback`: undoes the newest release, or all back to before one. */
export const verb: Verb = {
  help: `Usage: ota-supervisor rollback [ID] [-p NAME] [-C DIR]

Undoes the newest release; with ID (such as r12) that one and all that came
after it. A trial that is on ends at once. What main.py has written since stays
as it is. The last 5 releases can be undone: see ota-supervisor history.
Of many projects one has to be named.
`,
  options: {},
  takes: { least: 0, most: 1 },
  async run(asked) {
    const [to = null] = asked.args
    if (to !== null && !isReleaseId(to)) {
      const hint = 'see: ota-supervisor rollback --help'
      console.error(words.failure(verbWords.notARelease(to), hint))
      return exitCodes.usage
    }
    const { door } = await chooseOne(asked)
    const { value, text, code } = await orderTo('rollback', door, { to })
    printAnswer(asked, value, text)
    return code
  },
}
