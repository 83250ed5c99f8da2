import { type Config, pathsOf } from '../config.ts'
import { loadConfig } from '../config-file.ts'
import type { Ask } from '../control/ask-desk.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import { clock } from '../system/clock.ts'
import { gitWords } from '../words-git.ts'
import { verbWords } from '../words-verbs.ts'
import { askAt, askIfRunning } from './ask.ts'
import { type Candidate, stuckIn, waitForEnd } from './outcome.ts'
import { print, printAnswer } from './screen.ts'
import { type Asked, exitCodes, type Verb } from './verb.ts'

/** `update`: has the git remote looked at, by the daemon or by this process, and waits for the end of what is new. */
export const verb: Verb = {
  help: `Usage: ota-supervisor update [--now] [--no-wait] [-C DIR]

Looks at the git remote, and waits for the end of the release if there is a new
commit. Without a daemon this process does it itself: after the random delay of
the settings, and main.py is not started; the next start of the daemon does so,
with the trial. Exit code 0: main is at the remote's commit; 1: the remote does
not answer, or the commit has to wait, was refused or rolled back.

      --now             no random delay, and no reboot afterwards
      --no-wait         do not wait for the end, if a daemon runs
`,
  options: {
    now: { type: 'boolean', default: false },
    'no-wait': { type: 'boolean', default: false },
  },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const { directory, values } = asked
    const paths = pathsOf(directory)
    const isRunning = async () => (await askIfRunning('history', paths)) !== null
    if (await isRunning()) return follow(askAt(paths), false, asked)
    const config = await loadConfig(directory)
    if (config.git.remote === '') {
      throw new OperationalError(gitWords.off, { code: 'EREFUSED', hint: gitWords.offHint })
    }
    if (values['now'] !== true) await delay(config)
    if (await isRunning()) return follow(askAt(paths), false, asked)
    // Loaded here: where a daemon runs, none is needed.
    const { runDaemon } = await import('../daemon.ts')
    return runDaemon(directory, config, (ask) => follow(ask, true, asked))
  },
}

/** Many machines with the same line in their crontabs do not come all at once. */
async function delay({ git }: Config): Promise<void> {
  const least = Math.min(git.randomDelayMinMs, git.randomDelayMs)
  const ms = least + Math.random() * (git.randomDelayMs - least)
  if (ms <= 0) return
  console.error(verbWords.delayed(ms))
  await clock.sleep(ms)
}

/** Asks for a look, and follows what it finds. `isPass`: this process does it itself. */
async function follow(ask: Ask, isPass: boolean, asked: Asked): Promise<number> {
  const { values, json } = asked
  const looking = ask('update', values['now'] === true ? { now: true } : undefined)
  const looked = await (isPass ? unlessStuck(looking, ask) : looking)
  const { text, commit } = looked
  const mayLeave = !isPass && values['no-wait'] === true
  if (commit === null || mayLeave) {
    printAnswer(asked, looked, text)
    return exitCodes.done
  }
  if (!json) print(text)
  const isIt = (one: Candidate) => one.commit === commit
  const lost = isPass ? gitWords.lostForNow : gitWords.lost
  return waitForEnd({ isIt, before: notYet, lost, isPass, told: text }, ask, asked)
}

/** Between the look and the claim. */
function notYet({ git }: Status): string | null {
  return git?.found === 'found' ? (git.text ?? gitWords.looking) : null
}

/** A release of before comes first. If that has to wait, as for space on the disk, there is no look. */
async function unlessStuck<T>(looking: Promise<T>, ask: Ask): Promise<T> {
  let isOver = false
  const over = looking.finally(() => {
    isOver = true
  })
  async function watch(): Promise<T> {
    while (!isOver) {
      const why = stuckIn(await ask('status'))
      if (why !== null) throw new OperationalError(why, { code: 'EWAITS' })
      await clock.sleep(200)
    }
    return over
  }
  return Promise.race([over, watch()])
}
