import { ask, type Door } from '../control/client.ts'
import type { Status } from '../control/status.ts'
import { gitWords } from '../words-git.ts'
import { type Answered, answerEach, type Say } from './each.ts'
import { type Candidate, waitForEnd } from './outcome.ts'
import { choose } from './site.ts'
import { exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `update`: has the daemon look at the git remote now, and waits for the end of what it finds. */
export const verb: Verb = {
  help: `Usage: ota-supervisor update [NAME...] [--no-wait] [-C DIR]

Looks at the git remote now, and waits for the end of the release if there is a
new commit. Exit code 0: main is at the remote's commit; 1: the remote does not
answer, or the commit has to wait, was refused or rolled back; 3: no daemon
runs.

      --no-wait         do not wait for the end

${namesHelp}`,
  options: { 'no-wait': { type: 'boolean', default: false } },
  takes: names,
  async run(asked) {
    const isPatient = asked.values['no-wait'] !== true
    const chosen = await choose(asked)
    const many = chosen.places.length
    return answerEach(asked, chosen, ({ door }, say) => update(door, isPatient, say, many))
  },
}

async function update(door: Door, isPatient: boolean, say: Say, many: number): Promise<Answered> {
  const looked = await ask('update', door)
  const { text, commit } = looked
  if (commit === null || !isPatient) return { value: looked, text, code: exitCodes.done }
  say(text)
  const isIt = (one: Candidate) => one.commit === commit
  return waitForEnd({ isIt, before: notYet, lost: gitWords.lost }, door, say, many)
}

/** Between the look and the claim. */
function notYet({ git }: Status): string | null {
  return git?.found === 'found' ? (git.text ?? gitWords.looking) : null
}
