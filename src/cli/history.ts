import { count, resultText, shown, size } from '../phrases.ts'
import { type HistoryEntry, readHistory } from '../update/history.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { askOrRead } from './ask.ts'
import { coloured, momentText, printAnswer } from './screen.ts'
import { siteIn } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `history`: the releases that have ended, newest first. Without a daemon it reads the disk. */
export const verb: Verb = {
  help: `Usage: ota-supervisor history [-n N] [-C DIR]

Shows how the last releases ended, newest first.

  -n, --lines N         this many (default: 20)
`,
  options: { lines: { type: 'string', short: 'n', default: '20' } },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const { directory, values } = asked
    const most = Number(values['lines'])
    if (!Number.isInteger(most) || most < 1) {
      console.error(words.failure(verbWords.notANumber('-n', String(values['lines'])), undefined))
      return exitCodes.usage
    }
    const site = await siteIn(directory)
    const entries = await askOrRead('history', site.paths, async () =>
      (await readHistory(site)).toReversed(),
    )
    const wanted = entries.slice(0, most)
    const text = wanted.length === 0 ? verbWords.noHistory : wanted.map(entryText).join('\n')
    printAnswer(asked, wanted, text)
    return exitCodes.done
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
