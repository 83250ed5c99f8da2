import { ask } from '../control/client.ts'
import type { Status } from '../control/status.ts'
import { gitWords } from '../words-git.ts'
import { type Candidate, waitForEnd } from './outcome.ts'
import { print, printAnswer } from './screen.ts'
import { siteIn } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `update`: has the daemon look at the git remote now, and waits for the end of what it finds. */
export const verb: Verb = {
  help: `Usage: ota-supervisor update [--no-wait] [-C DIR]

Looks at the git remote now, and waits for the end of the release if there is a
new commit. Exit code 0: main is at the remote's commit; 1: the remote does not
answer, or the commit has to wait, was refused or rolled back; 3: no daemon
runs.

      --no-wait         do not wait for the end
`,
  options: { 'no-wait': { type: 'boolean', default: false } },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const site = await siteIn(asked.directory)
    const looked = await ask('update', site.paths)
    const { text, commit } = looked
    if (commit === null || asked.values['no-wait'] === true) {
      printAnswer(asked, looked, text)
      return exitCodes.done
    }
    if (!asked.json) print(text)
    const isIt = (one: Candidate) => one.commit === commit
    return waitForEnd({ isIt, before: notYet, lost: gitWords.lost }, site, asked)
  },
}

/** Between the look and the claim. */
function notYet({ git }: Status): string | null {
  return git?.found === 'found' ? (git.text ?? gitWords.looking) : null
}
