import type { Release, ReleaseId } from '../model.ts'
import { exitText, shown } from '../phrases.ts'
import { runErrand } from '../program/errand.ts'
import { bootId } from '../system/processes.ts'
import { readTextFile } from '../system/text-file.ts'
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
 * Orders the reboot that was noted, unless it was ordered, or the machine has been booted since. One that cannot be
 * ordered is told of, and tried again at the next start of the daemon.
 */
export async function orderReboot(on: Ground): Promise<void> {
  if (on.elsewhere?.then !== 'reboot') return
  const { disk, paths, config } = on.site
  const found = await read(on)
  if (found === null) return
  if (found.bootId !== bootId()) return disk.unlink(paths.reboot)
  if (found.isOrdered) return
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
    return patiently(found.release, on, () => keep({ ...found, isOrdered: true }, on))
  }
  const how = exit === null ? words.healthLate(orderMs) : exitText(exit)
  on.log.error(words.rebootFailed(found.release, how, shown(lastWords)))
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
