import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import { words } from '../words.ts'

/** Who the program runs as, where that is not the daemon's own user and group. */
export type Identity = {
  readonly uid: number
  readonly gid: number
  /** HOME, USER and LOGNAME. */
  readonly env: Readonly<Record<string, string>>
}

/** Names or numbers, as in the settings; empty: none. */
type Wanted = { readonly user: string; readonly group: string }

/**
 * Who the program is to run as; null: as the daemon does. Fails with a hint when there is no such user
 * or group (`ENOACCOUNT`), when the daemon may not change to it (`EPERM`), or when `setpriv`, which
 * does it, is missing.
 */
export async function findIdentity(
  wanted: Wanted,
  setpriv: string | null,
): Promise<Identity | null> {
  const found = await findAccount(wanted)
  if (found === null || (found.uid === ownUid() && found.gid === process.getgid?.())) return null
  if (ownUid() !== 0) {
    throw new OperationalError(words.notRoot(ownUid()), {
      code: 'EPERM',
      hint: words.notRootHint,
    })
  }
  if (setpriv === null) {
    throw new OperationalError(words.noSetprivForUser, {
      code: 'ENOENT',
      path: 'setpriv',
      hint: 'sudo apt install util-linux',
    })
  }
  return found
}

/** What `setpriv` is told to become somebody, with his groups. */
export function identityArguments(identity: Identity | null): string[] {
  if (identity === null) return []
  return ['--reuid', `${identity.uid}`, '--regid', `${identity.gid}`, '--init-groups']
}

function ownUid(): number {
  return process.getuid?.() ?? 0
}

/** The same whoever asks: null when none is named. */
export async function findAccount({ user, group }: Wanted): Promise<Identity | null> {
  if (user === '' && group === '') return null
  const { uid, gid, env } = await accountOf(user === '' ? `${ownUid()}` : user)
  return { uid, gid: group === '' ? gid : await groupOf(group), env }
}

/** passwd(5): name, password, uid, gid, comment, home, shell. */
async function accountOf(user: string): Promise<Identity> {
  const [name = '', , uid, gid, , home = ''] = await entryOf('user', user)
  return { uid: Number(uid), gid: Number(gid), env: { HOME: home, USER: name, LOGNAME: name } }
}

/** group(5): name, password, gid, members. */
async function groupOf(group: string): Promise<number> {
  return Number((await entryOf('group', group))[2])
}

/** What the system's databases say, also those in a network: so it is not read from /etc. */
async function entryOf(kind: 'user' | 'group', name: string): Promise<string[]> {
  const done = await command('getent', [kind === 'user' ? 'passwd' : 'group', name])
  const fields = done.stdout.split('\n')[0]?.split(':') ?? []
  if (done.exitCode === 0 && /^\d+$/.test(fields[2] ?? '')) return fields
  throw new OperationalError(words.noAccount(kind, name), {
    code: 'ENOACCOUNT',
    hint: words.noAccountHint(kind),
  })
}
