import type { Site } from '../config.ts'
import type { Clock, Log } from '../model.ts'
import { asOwner } from '../project/owner.ts'
import { type GitSource, openGit } from '../source/git/git.ts'
import { builtAt } from '../system/package.ts'
import type { Slots } from '../system/slots.ts'
import { readSync } from '../system/synchronised.ts'
import { readHistory } from '../update/history.ts'

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
