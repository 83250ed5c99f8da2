import { execFile } from 'node:child_process'
import { access, constants, mkdir, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment } from './daemon.ts'

/**
 * Makes a folder with links to these commands and to `python3`, and returns it: as PATH it hides all
 * others from the daemon. A command that the machine does not have is left out.
 */
export async function onlyCommands(dir: string, names: readonly string[]): Promise<string> {
  const bin = join(dir, 'bin')
  await mkdir(bin)
  // The interpreter itself: what is found in PATH may be a slow script that looks for it.
  const asked = await promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable)'], {
    env: cleanEnvironment(),
  })
  await symlink(asked.stdout.trim(), join(bin, 'python3'))
  for (const name of names) {
    const found = await whereIs(name)
    if (found !== null) await symlink(found, join(bin, name))
  }
  return bin
}

async function whereIs(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (await isThere(path)) return path
  }
  return null
}

function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
