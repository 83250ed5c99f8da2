import { disk } from '../system/disk.ts'
import { takeLock } from '../system/lock.ts'
import { selfWords } from '../words-self.ts'
import type { Means } from './around.ts'
import type { Candidate, Trouble } from './candidate.ts'
import { type Install, openToOthers } from './install.ts'
import { prepare } from './prepare.ts'
import { type Before, currentOf, readPending, switchTo } from './records.ts'

/** What the end of an exchange needs to know of what runs; its answer is what keeps the version waiting, or null. */
export type Ready = () => Promise<Trouble | { readonly before: Before }>

/** Does something with an install that nobody is at work in; else nothing, and it tells who is. */
export async function alone<T>(
  { dir, lock: note }: Install,
  what: () => Promise<T>,
): Promise<T | Trouble> {
  const lock = await takeLock(dir, note)
  if ('heldBy' in lock) return { why: selfWords.atWork(lock.heldBy.pid) }
  try {
    return await what()
  } finally {
    lock.release()
  }
}

/**
 * Makes a version ready, waits until it may be (`whenReady`), and has the next start be one of it. One at a time in an
 * install, whoever asks. The answer is what kept it from that, or null.
 */
export async function exchange(
  candidate: Candidate,
  install: Install,
  means: Means,
  whenReady: Ready,
): Promise<Trouble | null> {
  const { disk } = means.site
  const unsafe = safetyTrouble(install)
  if (unsafe !== null) return unsafe
  return alone(install, async () => {
    const pending = await readPending(install, disk)
    // The version to go back to would be one that nobody knows to be good.
    if (pending !== null && pending.version === currentOf(install)) {
      return { why: selfWords.isOnTrial(pending.version) }
    }
    const trouble = await prepare(candidate, install, means)
    if (trouble !== null) return trouble
    const ready = await whenReady()
    if ('why' in ready) return ready
    const { version } = candidate
    await switchTo({ version, previous: means.version }, ready.before, install, disk)
    return null
  })
}

/** Nobody else may decide what runs here, and this user must be able to. */
function safetyTrouble({ dir, ...install }: Install): Trouble | null {
  const open = openToOthers({ dir, ...install })
  if (open !== null) return { why: selfWords.isOpen(open), hint: selfWords.isOpenHint(open) }
  const isOwn = disk.ownerOf(dir) === process.getuid?.()
  return isOwn ? null : { why: selfWords.notOwner(dir), hint: selfWords.notOwnerHint(dir) }
}
