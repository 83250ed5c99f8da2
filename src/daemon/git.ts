import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import type { Clock, Log } from '../model.ts'
import { findAccount, identityArguments } from '../program/identity.ts'
import type { As } from '../source/git/call.ts'
import { type GitSource, openGit } from '../source/git/git.ts'
import { builtAt } from '../system/package.ts'
import type { Slots } from '../system/slots.ts'
import { readSync } from '../system/synchronised.ts'
import { readHistory } from '../update/history.ts'
import { words } from '../words.ts'

/** Opens main as a checkout of git: it is worked in as its owner, and what failed is in the history. */
export function openCheckout(
  setpriv: string | null,
  looksByItself: boolean,
  site: Site,
  log: Log,
  clock: Clock,
  end: AbortSignal,
  looks: Slots,
): GitSource {
  const become = (owner: number) => asOwner(owner, setpriv)
  const failedAs = async (commit: string) => {
    const history = await readHistory(site)
    const last = history.findLast((one) => one.from === 'git' && one.commit.new === commit)
    return last === undefined || last.result === 'committed' ? null : last.id
  }
  const isSynchronised = async () => (await readSync()) === 'yes'
  const clocks = { isSynchronised, builtAt: builtAt(), random: Math.random }
  const around = { become, failedAs, looksByItself, looks, ...clocks }
  return openGit(site, around, log, clock, end)
}

/** Root works as the owner: what lies in a repository can tell git what to do. Nobody else can choose. */
async function asOwner(owner: number, setpriv: string | null): Promise<As> {
  const own = process.getuid?.() ?? 0
  const withDaemon = ['--pdeathsig', 'TERM', '--']
  if (own !== 0 || owner === own) {
    return { before: setpriv === null ? [] : [setpriv, ...withDaemon], owner: null, env: {} }
  }
  const identity = await findAccount({ user: `${owner}`, group: '' })
  if (identity === null || setpriv === null) {
    throw new OperationalError(words.noSetprivForUser, {
      code: 'ENOENT',
      path: 'setpriv',
      hint: 'sudo apt install util-linux',
    })
  }
  const before = [setpriv, ...identityArguments(identity), ...withDaemon]
  return { before, owner: identity, env: identity.env }
}
