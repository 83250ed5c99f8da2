import { lstatSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { disk } from '../system/disk.ts'
import { packageFolder } from '../system/package.ts'

/** Where ota-supervisor lies so that it can be exchanged. All paths are absolute. */
export type Install = {
  readonly dir: string
  /** What is started instead of the program itself: `launch.sh`, never changed by an update. */
  readonly launch: string
  /** A folder for each version. */
  readonly releases: string
  /** A link to the version that runs. */
  readonly current: string
  /** The new version on trial and the one before it, a line each; there while the new one is not kept yet. */
  readonly pending: string
  /** How often the version on trial was started; `launch` writes it. */
  readonly tries: string
  /** How the programs stood before the switch. */
  readonly before: string
  /** The versions that did not pass, a line each: version, Unix time in seconds, why. */
  readonly failed: string
  /** Which process is at work here; for people. */
  readonly lock: string
}

/** The places of an install in this folder, whether there is one or not. */
export function installAt(dir: string): Install {
  const at = (name: string) => join(dir, name)
  return {
    dir,
    launch: at('launch'),
    releases: at('releases'),
    current: at('current'),
    pending: at('pending'),
    tries: at('tries'),
    before: at('before.json'),
    failed: at('failed'),
    lock: at('lock'),
  }
}

/** The install that this process runs from; null: it runs from somewhere else, such as a clone. */
export function ownInstall(folder = packageFolder): Install | null {
  const install = installAt(dirname(dirname(folder)))
  const isOne = basename(dirname(folder)) === 'releases' && disk.kind(install.launch) === 'file'
  return isOne ? install : null
}

/** Where a version lies. */
export function folderOf(version: string, { releases }: Install): string {
  return join(releases, version)
}

/** What is run of a version that lies in a folder; `launch.sh` goes by it too. */
export function scriptOf(folder: string): string {
  return join(folder, 'dist/supervisor.js')
}

const launchedName = 'OTA_SUPERVISOR_LAUNCHED'

/**
 * True when `launch` has become this process: then it will be started again when it ends. What tells that is taken
 * out of the environment: everything started from here on would inherit it.
 */
export function takeLaunch(env: NodeJS.ProcessEnv, ownPid: number): boolean {
  const pid = env[launchedName]
  delete env[launchedName]
  return pid === `${ownPid}`
}

/**
 * What others than root and this user could change of an install, or exchange as a whole; null: nothing. They
 * would decide what runs here.
 */
export function openToOthers({ dir, launch, releases }: Install): string | null {
  const own = process.getuid?.() ?? 0
  const isOpen = (path: string) => {
    const { uid, mode } = lstatSync(path)
    const isSticky = (mode & 0o1000) !== 0 && path !== dir
    return ![0, own].includes(uid) || ((mode & 0o022) !== 0 && !isSticky)
  }
  return [...withParents(disk.realPath(dir)), launch, releases].find(isOpen) ?? null
}

function withParents(path: string): string[] {
  return path === '/' ? [path] : [...withParents(dirname(path)), path]
}
