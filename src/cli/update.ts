import { type Config, pathsOf } from '../config.ts'
import { type Layout, loadLayout } from '../config-projects.ts'
import type { Ask } from '../control/ask-desk.ts'
import type { Status } from '../control/status.ts'
import { OperationalError } from '../errors.ts'
import { clock } from '../system/clock.ts'
import { gitWords } from '../words-git.ts'
import { verbWords } from '../words-verbs.ts'
import { askAt, isRunning } from './ask.ts'
import { type Answered, answerEach, type Say } from './each.ts'
import { type Candidate, pollMs, stuckIn, waitForEnd } from './outcome.ts'
import { type Chosen, choose, chooseFrom, type Place } from './site.ts'
import { type Asked, exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `update`: has the git remote looked at, by the daemon or by this process, and waits for the end of what is new. */
export const verb: Verb = {
  help: `Usage: ota-supervisor update [NAME...] [--now] [--no-wait] [-C DIR]

Looks at the git remote, and waits for the end of the release if there is a new
commit. Without a daemon this process does it itself: after the random delay of
the settings, and main.py is not started; the next start of the daemon does so,
with the trial. Exit code 0: main is at the remote's commit; 1: the remote does
not answer, or the commit has to wait, was refused or rolled back.

      --now             no random delay, and no reboot afterwards
      --no-wait         do not wait for the end, if a daemon runs

${namesHelp}`,
  options: {
    now: { type: 'boolean', default: false },
    'no-wait': { type: 'boolean', default: false },
  },
  takes: names,
  async run(asked) {
    // The daemon knows best which projects there are.
    if (await isRunning(pathsOf(asked.directory))) return followAll(await choose(asked), asked)
    const chosen = await chooseFrom(await loadLayout(asked.directory), asked)
    const { door, places } = chosen
    if (await isRunning(door)) return followAll(chosen, asked)
    if (places.every(({ site }) => site.config.git.remote === '')) {
      throw new OperationalError(gitWords.off, { code: 'EREFUSED', hint: gitWords.offHint })
    }
    const layout = await loadLayout(door.project)
    const isNow = asked.values['now'] === true
    if (!isNow) await delay(layout.config)
    if (await isRunning(door)) return followAll(chosen, asked)
    // Loaded here: where a daemon runs, none is needed.
    const { runDaemon } = await import('../daemon.ts')
    return runDaemon(door.project, onlyChosen(layout, places), {
      mayReboot: !isNow,
      run: (askOf) =>
        answerEach(asked, chosen, (place, say) =>
          follow(askOf(place.door.member ?? null), say, asked.values, { isPass: true, many: 1 }),
        ),
    })
  },
}

/** A parent with no other projects than these. */
function onlyChosen(layout: Layout, places: readonly Place[]): Layout {
  if (layout.is === 'one') return layout
  const names = new Set(places.map(({ door }) => door.member))
  return { ...layout, projects: layout.projects.filter(({ name }) => names.has(name)) }
}

function followAll(chosen: Chosen, asked: Asked): Promise<number> {
  const how = { isPass: false, many: chosen.places.length }
  return answerEach(asked, chosen, ({ door }, say) => follow(askAt(door), say, asked.values, how))
}

/** Many machines with the same line in their crontabs do not come all at once. */
async function delay({ git }: Config): Promise<void> {
  const least = Math.min(git.randomDelayMinMs, git.randomDelayMs)
  const ms = least + Math.random() * (git.randomDelayMs - least)
  if (ms <= 0) return
  console.error(verbWords.delayed(ms))
  await clock.sleep(ms)
}

/**
 * Asks for a look, and follows what it finds. `isPass`: this process does it itself. `many`: so many projects are
 * followed at the same time.
 */
async function follow(
  ask: Ask,
  say: Say,
  values: Asked['values'],
  { isPass, many }: { readonly isPass: boolean; readonly many: number },
): Promise<Answered> {
  const looking = ask('update', values['now'] === true ? { now: true } : undefined)
  const looked = await (isPass ? unlessStuck(looking, ask) : looking)
  const { text, commit } = looked
  const mayLeave = !isPass && values['no-wait'] === true
  if (commit === null || mayLeave) return { value: looked, text, code: exitCodes.done }
  say(text)
  const isIt = (one: Candidate) => one.commit === commit
  const lost = isPass ? gitWords.lostForNow : gitWords.lost
  return waitForEnd({ isIt, before: notYet, lost, isPass, told: text }, ask, say, many)
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
      await clock.sleep(pollMs.perProject)
    }
    return over
  }
  return Promise.race([over, watch()])
}
