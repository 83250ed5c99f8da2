import { OperationalError } from '../errors.ts'
import { findAccount, identityArguments } from '../program/identity.ts'
import type { As } from '../source/git/call.ts'
import { words } from '../words.ts'

/**
 * As whom git works in a checkout of this owner (a uid). Root works as the owner: what lies in a repository
 * can tell git what to do. Nobody else can choose. Fails when `setpriv`, which does it, is needed and missing.
 */
export async function asOwner(owner: number, setpriv: string | null): Promise<As> {
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
