import { command } from './command.ts'

/** One user of this machine. */
export type User = { readonly uid: number; readonly name: string; readonly home: string }

/** A user by name or number, wherever the machine keeps its users; null when there is none. */
export async function findUser(key: string | number): Promise<User | null> {
  const { exitCode, stdout } = await command('getent', ['--', 'passwd', String(key)])
  // passwd(5): name, password, uid, gid, comment, home, shell.
  const [name, , uid, , , home] = stdout.trim().split(':')
  if (exitCode !== 0 || name === undefined || home === undefined) return null
  return { uid: Number(uid), name, home }
}
