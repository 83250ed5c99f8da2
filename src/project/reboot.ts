import { isDeepStrictEqual } from 'node:util'
import type { Release, ReleaseId } from '../model.ts'
import { exitText, shown } from '../phrases.ts'
import { runErrand } from '../program/errand.ts'
import { bootId } from '../system/processes.ts'
import { readTextFile } from '../system/text-file.ts'
import { traceOf } from '../system/trace.ts'
import { words } from '../words.ts'
import { type Ground, patiently } from './ground.ts'

/**
 * A reboot that a release needs, `.supervisor/reboot.json`. It is written before the release is committed, so it is
 * not forgotten; that the machine was booted since tells that it is done. `isOrdered`: shutdown(8) knows of it. It is
 * not ordered again then: somebody may have cancelled it.
 */
type Reboot = { readonly release: ReleaseId; readonly bootId: string; readonly isOrdered: boolean }

/** A record is longer than this only if somebody else has put something in its place. */
const maxBytes = 4_000

/** How long shutdown(8) may take to take an order, in milliseconds. */
const orderMs = 30_000

/** Notes, durably, that the machine is to be rebooted for a release, where that is what an update needs. */
export async function noteReboot(release: Release, on: Ground): Promise<void> {
  if (on.elsewhere?.then !== 'reboot') return
  if (release.from === 'git' && release.noReboot === true) {
    on.log.warn(words.rebootLeftOut(release.id))
    return
  }
  const reboot = { release: release.id, bootId: bootId(), isOrdered: false }
  await patiently(release.id, on, () => keep(reboot, on))
}

/**
 * Orders the reboots that are noted, until the daemon ends: each when no project of it is in the midst of a release.
 * One that cannot be ordered is told of, and tried again at the next start. An update without a daemon orders it when
 * all of it is over. Never fails.
 */
export async function careForReboots(on: Ground): Promise<void> {
  if (on.elsewhere?.then !== 'reboot') return
  let failed: ReleaseId | null = null
  const care = async (mayOrder: boolean) => {
    const noted = mayOrder ? await read(on) : null
    if (noted === null || noted.release === failed) return
    try {
      failed = await orderReboot(noted, on)
    } catch (error) {
      // It stays noted.
      if (!on.shutdown.aborted) on.log.error(words.bug(traceOf(error)))
    }
  }
  while (!on.shutdown.aborted) {
    await on.bustle.calm(on.shutdown)
    await care(!on.isPass && !on.shutdown.aborted)
  }
  await care(on.rebootsAtEnd())
}

/**
 * Orders the reboot that was noted, unless it was ordered, or the machine has been booted since. The answer is the
 * release for which that could not be done.
 */
async function orderReboot(found: Reboot, on: Ground): Promise<ReleaseId | null> {
  const { disk, paths, config } = on.site
  if (found.bootId !== bootId()) disk.unlink(paths.reboot)
  if (found.bootId !== bootId() || found.isOrdered) return null
  const minutes = Math.max(1, Math.ceil(config.program.rebootDelayMs / 60_000))
  const message = words.rebootMessage(paths.project, found.release)
  const argv = ['shutdown', '-r', `+${minutes}`, message]
  const errand = { argv, env: process.env, deadlineMs: orderMs, who: found.release }
  // Not cut off by the end of the daemon: half an order would be none, or one that nobody knows of.
  const never = new AbortController().signal
  const { end, lastWords } = await runErrand(errand, on.site, on.log, never)
  const exit = end.is === 'done' && end.value.is !== 'cut' ? end.value : null
  if (exit?.is === 'code' && exit.code === 0) {
    on.log.warn(words.rebootOrdered(found.release, minutes))
    // Another release may have been noted meanwhile: that one is ordered next.
    if (isDeepStrictEqual(await read(on), found)) {
      await patiently(found.release, on, () => keep({ ...found, isOrdered: true }, on))
    }
    return null
  }
  const how = exit === null ? words.healthLate(orderMs) : exitText(exit)
  on.log.error(words.rebootFailed(found.release, how, shown(lastWords)))
  return found.release
}

async function keep(reboot: Reboot, { site: { disk, paths } }: Ground): Promise<void> {
  await disk.writeRecord(paths.reboot, reboot)
}

/** Null when there is none, or none that can be read. */
async function read({ site: { paths } }: Ground): Promise<Reboot | null> {
  try {
    return JSON.parse((await readTextFile(paths.reboot, maxBytes)) ?? 'null') as Reboot | null
  } catch {
    return null
  }
}
