import { type DepositSite, type Site, withDeposit } from '../config.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import type { ReleaseId } from '../model.ts'
import { type Batch, collect, put } from '../source/deposit/put.ts'
import { clock } from '../system/clock.ts'
import { byAge } from '../update/store.ts'
import { verbWords } from '../words-verbs.ts'
import { askAt, askIfRunning } from './ask.ts'
import { type Candidate, waitForEnd } from './outcome.ts'
import { openProgress } from './progress.ts'
import { print, printAnswer } from './screen.ts'
import { chooseOne } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `deploy`: puts files into the deposit as one release, waits for its end and exits by it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor deploy PATH... [-p NAME] [--no-wait] [-C DIR]

Puts files and folders into the deposit, so that they are claimed as one
release, and waits for its end. Exit code 0: committed; 1: refused or rolled
back; 3: no daemon runs, the files wait for it.

  deploy main.py lib    becomes main/main.py and main/lib/...
  deploy app/           what is in app becomes what is in main (mind the slash)

Of many projects one has to be named.

      --no-wait         do not wait for the end
`,
  options: { 'no-wait': { type: 'boolean', default: false } },
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  async run(asked) {
    const { site: whole, door } = await chooseOne(asked)
    const site = depositOf(whole)
    const batch = await collect(asked.args, site)
    if (batch.leftOut.length > 0) console.error(verbWords.leftOut(batch.leftOut))
    const before = await askIfRunning('status', door)
    const manifest = await putAll(batch, site)
    const laid = { files: batch.files.size, bytes: batch.bytes, manifest }
    const text = verbWords.putAll(laid.files, laid.bytes)
    if (before === null) {
      console.error(`${text}; ${verbWords.appliedAtStart}`)
      if (asked.json) printAnswer(asked, laid, text)
      return exitCodes.notRunning
    }
    const say = (said: string) => asked.json || print(said)
    if (asked.values['no-wait'] === true) {
      printAnswer(asked, laid, text)
      return exitCodes.done
    }
    say(text)
    const after = newestIn(before)
    const isIt = (one: Candidate) => one.manifest === manifest && byAge(one.id, after) > 0
    const wanted = { isIt, before: inDeposit, lost: verbWords.deployLost, told: text }
    const ended = await waitForEnd(wanted, askAt(door), say)
    printAnswer(asked, ended.value, ended.text)
    return ended.code
  },
}

/** Fails with `ENODEPOSIT` where there is no deposit. */
function depositOf(site: Site): DepositSite {
  const place = withDeposit(site)
  if (place !== null) return place
  throw new OperationalError(verbWords.noDeposit(site.paths.project), {
    code: 'ENODEPOSIT',
    hint: verbWords.noDepositHint,
  })
}

/** What the upload waits for while it is no release yet. */
function inDeposit({ deposit }: Status): string | null {
  if (deposit === null || deposit.files === 0) return null
  return deposit.waitingFor?.text ?? verbWords.liesThere
}

function newestIn({ underWay, last }: Status): ReleaseId {
  const ids = [...underWay.map(({ id }) => id), last?.id ?? 'r0'] as const
  return ids.toSorted(byAge).at(-1) ?? 'r0'
}

/** Ctrl-C while files are put takes them away again; later it only ends the waiting. */
async function putAll(batch: Batch, site: DepositSite): Promise<string> {
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
