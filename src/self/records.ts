import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { codeOf, isOutOfSpace } from '../errors.ts'
import type { ProgramState } from '../model.ts'
import type { Disk } from '../system/disk.ts'
import { dropFolder } from '../system/gone.ts'
import { folderOf, type Install } from './install.ts'
import { isVersion } from './version.ts'

/**
 * What lies beside `launch`, and how it is changed. Each function can be cut off at any step: what `launch` then
 * starts is the old version or the new one, whole.
 */

/** A version that is not kept yet, and the one to go back to. */
export type Pending = { readonly version: string; readonly previous: string }

/** The version on trial; null: none. */
export async function readPending({ pending }: Install, disk: Disk): Promise<Pending | null> {
  const [version, previous] = ((await disk.readText(pending)) ?? '').split('\n')
  return isVersion(version) && isVersion(previous) ? { version, previous } : null
}

/** A version that did not pass. `at` is ISO 8601, by the wall clock. */
export type Failed = { readonly version: string; readonly at: string; readonly why: string }

/** The versions that did not pass, the oldest first. A line that was cut off is passed over. */
export async function readFailed({ failed }: Install, disk: Disk): Promise<Failed[]> {
  const lines = ((await disk.readText(failed)) ?? '').split('\n')
  return lines.flatMap((line) => {
    const [, version, time = '', why = ''] = /^(\S+) (\d{1,11}) (.+)$/.exec(line) ?? []
    return isVersion(version)
      ? [{ version, at: new Date(Number(time) * 1_000).toISOString(), why }]
      : []
  })
}

/** How the programs stood before the switch, by the names of their projects; what is not there says nothing. */
export type Before = Readonly<Record<string, ProgramState['is']>>

/** Reads how they stood. */
export async function readBefore({ before }: Install, disk: Disk): Promise<Before> {
  try {
    return JSON.parse((await disk.readText(before)) ?? '{}') as Before
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** The version that `current` leads to; null: none. */
export function currentOf({ current }: Install): string | null {
  try {
    const name = basename(readlinkSync(current))
    return isVersion(name) ? name : null
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(codeOf(error))) return null
    throw error
  }
}

/** Has the next start be one of another version, on trial. It lies in its folder, durably. */
export async function switchTo(
  { version, previous }: Pending,
  before: Before,
  install: Install,
  disk: Disk,
): Promise<void> {
  disk.unlink(install.tries)
  await disk.writeRecord(install.before, before)
  // Before the link: a start in between finds a version on trial that is not current, and counts nothing.
  await disk.replaceText(install.pending, `${version}\n${previous}\n`)
  await leadTo(version, install, disk)
}

/** Has `current` lead to a version. */
export async function leadTo(version: string, install: Install, disk: Disk): Promise<void> {
  await disk.lead(install.current, `releases/${version}`)
}

/** Keeps the version on trial, and of the others only the one before it. */
export async function keepVersion(
  { version, previous }: Pending,
  install: Install,
  disk: Disk,
): Promise<void> {
  await endTrial(install, disk)
  await sweepVersions([version, previous], install, disk)
}

/** Has the next start be one of the version before: this one did not pass. */
export async function goBack(
  { version, previous }: Pending,
  { why, at }: { readonly why: string; readonly at: Date },
  install: Install,
  disk: Disk,
): Promise<void> {
  const time = Math.floor(at.getTime() / 1_000)
  try {
    await disk.append(install.failed, `${version} ${time} ${why.replace(/\s+/g, ' ')}\n`)
  } catch (error) {
    // Rather tried once more than kept.
    if (!isOutOfSpace(error)) throw error
  }
  await leadTo(previous, install, disk)
  await endTrial(install, disk)
}

/** Nothing is on trial any more. */
export async function endTrial(install: Install, disk: Disk): Promise<void> {
  for (const path of [install.pending, install.tries, install.before]) disk.unlink(path)
  await disk.syncAll(install.dir)
}

/**
 * Without a trial: removes the versions that did not pass, apart from the one that runs, and what was never made
 * ready. `current` leads to the one that runs, also when somebody has removed it.
 */
export async function tidyVersions(
  version: string,
  failed: readonly Failed[],
  install: Install,
  disk: Disk,
): Promise<void> {
  if (currentOf(install) === null && (await readPending(install, disk)) === null) {
    await leadTo(version, install, disk)
  }
  const bad = new Set(failed.map((one) => one.version))
  const isKept = (name: string) => name === version || (isVersion(name) && !bad.has(name))
  await sweepVersions(disk.list(install.releases).filter(isKept), install, disk)
}

async function sweepVersions(kept: readonly string[], install: Install, disk: Disk): Promise<void> {
  const others = disk.list(install.releases).filter((name) => !kept.includes(name))
  for (const name of others) await dropFolder(folderOf(name, install), disk)
}
