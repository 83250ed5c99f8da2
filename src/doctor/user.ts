import { command } from '../system/command.ts'
import { readProc } from '../system/processes.ts'

/** A user with all of the groups (numbers), the first of them the user's own. */
export type User = {
  readonly uid: number
  readonly name: string
  readonly groups: readonly number[]
}

/** The user of a name or a number; null when the system has no such user. */
export async function findUser(name: string): Promise<User | null> {
  const [uid, groups, known] = await Promise.all(
    ['-u', '-G', '-un'].map((what) => command('id', [what, '--', name])),
  )
  if (uid?.exitCode !== 0) return null
  return {
    uid: Number(uid.stdout),
    name: known?.stdout || name,
    groups: (groups?.stdout ?? '').split(' ').map(Number),
  }
}

/** The user of a number, who need not have a name. */
export async function userOf(uid: number): Promise<User> {
  return (await findUser(String(uid))) ?? { uid, name: String(uid), groups: [] }
}

/** Who a process runs as, with the groups it really has; null when that cannot be read. */
export async function userOfProcess(pid: number): Promise<User | null> {
  const status = readProc(pid, 'status') ?? ''
  // proc(5): real, effective, saved, and for the file system, which follows the effective one.
  const [uid, gid] = ['Uid', 'Gid'].map(
    (name) => new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, 'm').exec(status)?.[1],
  )
  if (uid === undefined || gid === undefined) return null
  const groups = /^Groups:\s*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/).filter(Boolean) ?? []
  const { name } = await userOf(Number(uid))
  return { uid: Number(uid), name, groups: [gid, ...groups].map(Number) }
}

/** Who runs this. */
export async function self(): Promise<User> {
  return (await userOfProcess(process.pid)) ?? userOf(process.geteuid?.() ?? 0)
}
