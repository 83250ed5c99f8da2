import { count, resultText, shown, size } from '../phrases.ts'
import { type HistoryEntry, readHistory } from '../update/history.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { askOrRead } from './ask.ts'
import { answerEach } from './each.ts'
import { coloured, momentText } from './screen.ts'
import { choose } from './site.ts'
import { exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `history`: the releases that have ended, newest first. Without a daemon it reads the disk. */
export const verb: Verb = {
  help: `Usage: ota-supervisor history [NAME...] [-n N] [-C DIR]

Shows how the last releases ended, newest first.

  -n, --lines N         this many (default: 20)

${namesHelp}`,
  options: { lines: { type: 'string', short: 'n', default: '20' } },
  takes: names,
  async run(asked) {
    const { values } = asked
    const most = Number(values['lines'])
    if (!Number.isInteger(most) || most < 1) {
      console.error(words.failure(verbWords.notANumber('-n', String(values['lines'])), undefined))
      return exitCodes.usage
    }
    return answerEach(asked, await choose(asked), async ({ site, door }) => {
      const entries = await askOrRead('history', door, async () =>
        (await readHistory(site)).toReversed(),
      )
      const value = entries.slice(0, most)
      const text = value.length === 0 ? verbWords.noHistory : value.map(entryText).join('\n')
      return { value, text, code: exitCodes.done }
    })
  },
}

function entryText(entry: HistoryEntry): string {
  const { id, at, result, files, bytes, downtimeMs } = entry
  const colour = result === 'committed' ? 'green' : 'red'
  const word = coloured(resultText(entry).padEnd(11), colour)
  const down = downtimeMs > 0 ? `, down ${Math.round(downtimeMs)} ms` : ''
  const first = `${id.padEnd(5)} ${momentText(at)} ${word} ${count(files, 'file')}, ${size(bytes)}${down}`
  const why = 'why' in entry ? entry.why : 'note' in entry ? entry.note : undefined
  if (why === undefined) return first
  return [first, ...why.split('\n').map((line) => `      ${shown(line)}`)].join('\n')
}
