import { ask } from '../control/client.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import type { Release, ReleaseId } from '../model.ts'
import { untouchedText } from '../phrases.ts'
import { type Batch, collect, put } from '../source/deposit/put.ts'
import { clock } from '../system/clock.ts'
import type { HistoryEntry } from '../update/history.ts'
import { byAge } from '../update/store.ts'
import { verbWords } from '../words-verbs.ts'
import { askIfRunning } from './ask.ts'
import { openProgress } from './progress.ts'
import { print, printAnswer } from './screen.ts'
import { siteIn } from './site.ts'
import { type Asked, exitCodes, type Verb } from './verb.ts'

/** `deploy`: puts files into the deposit as one release, waits for its end and exits by it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor deploy PATH... [--no-wait] [-C DIR]

Puts files and folders into the deposit, so that they are claimed as one
release, and waits for its end. Exit code 0: committed; 1: refused or rolled
back; 3: no daemon runs, the files wait for it.

  deploy main.py lib    becomes main/main.py and main/lib/...
  deploy app/           what is in app becomes what is in main (mind the slash)

      --no-wait         do not wait for the end
`,
  options: { 'no-wait': { type: 'boolean', default: false } },
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  async run(asked) {
    const site = await siteIn(asked.directory)
    const batch = await collect(asked.args, site)
    if (batch.leftOut.length > 0) console.error(verbWords.leftOut(batch.leftOut))
    const before = await askIfRunning('status', site.paths)
    const manifest = await putAll(batch, site)
    const laid = { files: batch.files.size, bytes: batch.bytes, manifest }
    const text = verbWords.putAll(laid.files, laid.bytes)
    if (before === null) {
      console.error(`${text}; ${verbWords.appliedAtStart}`)
      if (asked.json) printAnswer(asked, laid, text)
      return exitCodes.notRunning
    }
    if (asked.values['no-wait'] === true) return end(text, laid, exitCodes.done, asked)
    if (!asked.json) print(text)
    return waitForEnd({ manifest, after: newestIn(before) }, site, asked)
  },
}

type Site = Awaited<ReturnType<typeof siteIn>>

/** What tells the release from others: its manifest, and that it is newer than all before. */
type Wanted = { readonly manifest: string; readonly after: ReleaseId }

function newestIn({ underWay, last }: Status): ReleaseId {
  const ids = [...underWay.map(({ id }) => id), last?.id ?? 'r0'] as const
  return ids.toSorted(byAge).at(-1) ?? 'r0'
}

/** Ctrl-C while files are put takes them away again; later it only ends the waiting. */
async function putAll(batch: Batch, site: Site): Promise<string> {
  const end = new AbortController()
  const onSignal = () => end.abort(new OperationalError(verbWords.notDeployed, { code: 'EINTR' }))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.once(name, onSignal)
  try {
    return await put(batch, site, showProgress(batch), end.signal)
  } finally {
    for (const name of signals) process.removeListener(name, onSignal)
  }
}

/** On a terminal, and not for what is done at once. */
function showProgress(batch: Batch): (files: number, bytes: number) => void {
  if (!process.stderr.isTTY) return () => undefined
  const progress = openProgress(clock)
  const all = batch.files.size
  return (files, bytes) => {
    process.stderr.write(progress(verbWords.putting(files, all, bytes), files === all))
  }
}

/** How often the daemon is asked, in milliseconds. */
const pollMs = 200

async function waitForEnd(wanted: Wanted, site: Site, asked: Asked): Promise<number> {
  let told = ''
  // Neither here nor there for long: somebody has taken it away.
  for (let missed = 0; missed < 10; ) {
    const seen = await look(wanted, site)
    if (seen.is === 'ended') return tellEnd(seen.entry, asked)
    if (seen.is === 'held') return end(verbWords.deployHeld(seen.id), seen, exitCodes.done, asked)
    missed = seen.is === 'gone' ? missed + 1 : 0
    if (seen.is === 'on its way' && seen.text !== told) {
      told = seen.text
      if (!asked.json) print(told)
    }
    await clock.sleep(pollMs)
  }
  throw new OperationalError(verbWords.deployLost, { code: 'ELOST' })
}

/** `held`: its trial begins when the operator starts the program. `gone`: nothing of it is seen. */
type Seen =
  | { readonly is: 'ended'; readonly entry: HistoryEntry }
  | { readonly is: 'held'; readonly id: ReleaseId }
  | { readonly is: 'on its way'; readonly text: string }
  | { readonly is: 'gone' }

async function look(wanted: Wanted, { paths }: Site): Promise<Seen> {
  const { underWay, program, deposit } = await ask('status', paths)
  const found = underWay.find((one) => isWanted(one, wanted))
  if (found !== undefined) {
    const isHeld = found.stage === 'on-trial' && program.wanted === 'down'
    if (isHeld) return { is: 'held', id: found.id }
    return { is: 'on its way', text: verbWords.isUnderWay(found.id, found.stage) }
  }
  const entry = (await ask('history', paths)).find((one) => isWanted(one, wanted))
  if (entry !== undefined) return { is: 'ended', entry }
  if (deposit.files === 0) return { is: 'gone' }
  return { is: 'on its way', text: deposit.waitingFor?.text ?? verbWords.liesThere }
}

function isWanted(
  one: Pick<Release, 'id'> & { readonly manifest?: string | null },
  { manifest, after }: Wanted,
): boolean {
  return one.manifest === manifest && byAge(one.id, after) > 0
}

function tellEnd(ended: HistoryEntry, asked: Asked): number {
  if (ended.result === 'committed') {
    return end(verbWords.deployed(ended), ended, exitCodes.done, asked)
  }
  const text = `${verbWords.deployed(ended)}: ${ended.why}\n${untouchedText(ended)}`
  return end(text, ended, exitCodes.failed, asked)
}

function end(text: string, value: unknown, code: number, asked: Asked): number {
  printAnswer(asked, value, text)
  return code
}
