import { chmodSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { dropFolder } from '../system/gone.ts'
import { packageFolder, packageOf } from '../system/package.ts'
import type { Scope } from '../system/systemctl.ts'
import { selfWords } from '../words-self.ts'
import { folderOf, type Install, installAt, ownInstall } from './install.ts'
import { currentOf, endTrial, leadTo } from './records.ts'

/** Where a service of this name has its versions: it writes there, so it is neither /opt nor /usr. */
export function installFor(scope: Scope, name: string): Install {
  const home = process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share')
  return installAt(join(scope === 'system' ? '/var/lib' : home, name))
}

/**
 * Makes an install that belongs to this user, and has it start the version that runs this. True when it started another
 * one before.
 * Fails with `EEXIST` when there is something else in its place.
 */
export async function setUp(install: Install, user: string): Promise<boolean> {
  const { dir, launch, releases } = install
  if (disk.list(dir).length > 0 && disk.kind(launch) !== 'file') {
    throw new OperationalError(selfWords.notOurs(dir), {
      code: 'EEXIST',
      path: dir,
      hint: selfWords.notOursHint,
    })
  }
  disk.makeDir(dir)
  // Whom it belonged to must not lead root elsewhere by a link: from here on nobody else can put one there.
  await giveAll(dir, `${process.getuid?.() ?? 0}`)
  if (disk.kind(releases) !== 'dir') await disk.removeTree(releases)
  for (const name of disk.list(dir).filter((one) => one.endsWith('.new')))
    await disk.removeTree(join(dir, name))
  disk.makeDir(releases)
  for (const folder of [dir, releases]) chmodSync(folder, 0o755)
  await disk.replaceText(launch, await launcher(), true)
  const { version } = packageOf()
  const isNew = currentOf(install) !== version
  if (ownInstall()?.dir !== dir) {
    await putVersion(version, install)
    await leadTo(version, install, disk)
    await endTrial(install, disk)
  }
  await giveAll(dir, `${user}:`)
  await disk.syncAll(dir)
  return isNew
}

/** Links themselves, not what they lead to. */
async function giveAll(dir: string, owner: string): Promise<void> {
  const given = await command('chown', ['-R', '-P', '-h', owner, dir])
  if (given.exitCode === 0) return
  throw new OperationalError(given.output, { code: 'ECHOWN', path: dir })
}

/** `launch.sh` as this version has it: only an install writes it. */
async function launcher(): Promise<string> {
  const path = fileURLToPath(new URL('../self/launch.sh', import.meta.url))
  const text = await disk.readText(path)
  if (text === null) throw new OperationalError(`${path} is missing`, { code: 'ENOENT', path })
  return text
}

/** Copies this version to its place there: what `npm pack` would pack. */
async function putVersion(version: string, install: Install): Promise<void> {
  const folder = folderOf(version, install)
  const side = `${folder}.new`
  await dropFolder(side, disk)
  const names = ['package.json', ...packageOf().files]
  for (const name of names.filter((one) => disk.kind(join(packageFolder, one)) !== null)) {
    await cp(join(packageFolder, name), join(side, name), { recursive: true })
  }
  await command('chmod', ['-R', 'u=rwX,go=rX', side])
  await disk.syncAll(side)
  await dropFolder(folder, disk)
  disk.rename(side, folder)
}
