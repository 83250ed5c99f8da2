import { ask } from '../control/client.ts'
import { codeOf, notRunning, OperationalError, withHint } from '../errors.ts'
import type { Means } from '../self/around.ts'
import { exchange } from '../self/exchange.ts'
import { ownInstall } from '../self/install.ts'
import { lookForVersion, lookText } from '../self/look.ts'
import { findCommand } from '../system/command.ts'
import { packageOf } from '../system/package.ts'
import { selfWords } from '../words-self.ts'
import { isRunning } from './ask.ts'
import { printAnswer } from './screen.ts'
import { daemonSite } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `self-update`: installs a newer version of ota-supervisor; without a daemon it does the work itself. */
export const verb: Verb = {
  help: `Usage: ota-supervisor self-update [--check] [--force] [-C DIR]

Looks where [self_update] in supervisor.toml says, fetches a newer version into
a folder beside this one, tries it out with the settings in force, and has the
daemon end and start again with it: all programs are restarted once. If the new
version does not stay up, the old one comes back by itself.

      --check           only look whether there is one
      --force           also a lower version, or one that did not pass before
`,
  options: {
    check: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
  },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const site = await daemonSite(asked.directory)
    const check = asked.values['check'] === true
    const force = asked.values['force'] === true
    try {
      const said = await ask('self-update', site.paths, { check, force })
      printAnswer(asked, said, said.text)
    } catch (error) {
      if (codeOf(error) !== notRunning) throw error
      const { version } = packageOf()
      const setpriv = await findCommand('setpriv')
      const end = new AbortController().signal
      const text = await byItself(
        { site, version, install: ownInstall(), setpriv, end },
        check,
        force,
      )
      printAnswer(asked, { text }, text)
    }
    return exitCodes.done
  },
}

/** Without a daemon: the next start is one of the new version. Throws an OperationalError with what keeps it. */
async function byItself(means: Means, isCheck: boolean, isForced: boolean): Promise<string> {
  const look = await lookForVersion(means, isForced)
  if (look.is === 'waits' || look.is === 'failed') throw refusal(look.why, look.hint)
  if (look.is !== 'found' || isCheck) return lookText(look)
  const { install, site } = means
  if (install === null) {
    throw refusal(selfWords.notManaged, selfWords.notManagedHint(site.paths.project))
  }
  // Its making may take long. A daemon that has come meanwhile would take the switch for one that has failed.
  const trouble = await exchange(look.candidate, install, means, async () =>
    (await isRunning(site.paths))
      ? { why: selfWords.hasStarted, hint: selfWords.hasStartedHint }
      : { before: {} },
  )
  if (trouble !== null) throw refusal(trouble.why, trouble.hint)
  return selfWords.exchangedAlone(look.candidate.version)
}

function refusal(why: string, hint: string | undefined): OperationalError {
  return new OperationalError(why, { code: 'EREFUSED', ...withHint(hint) })
}
