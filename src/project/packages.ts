import { join } from 'node:path'
import type { Site } from '../config.ts'
import { codeOf, hintOf, isExpected, isOutOfSpace, messageOf } from '../errors.ts'
import type { Release, ReleaseId, Verified } from '../model.ts'
import { hintText } from '../phrases.ts'
import { type Asked, readWish, type Wish } from '../python/dependencies.ts'
import type { Environment } from '../python/environment.ts'
import { linkEnvironment } from '../python/link.ts'
import type { InUse } from '../python/packages.ts'
import type { View } from '../python/requirements.ts'
import { within } from '../system/clock.ts'
import { byAge, filesOf, isReleaseId } from '../update/store.ts'
import type { Refused } from '../update/verify.ts'
import { packageWords } from '../words-packages.ts'
import type { Ground } from './ground.ts'
import { viewOf, viewWith } from './view.ts'

/** What a release will run with; or what has to be made for it first. */
export type Prepared =
  | { readonly is: 'there'; readonly inUse: InUse }
  | { readonly is: 'wanted'; readonly wish: Wish }

/** How an install has ended. `not now`: the disk is full, and the release waits. */
export type Made =
  | { readonly is: 'made' }
  | { readonly is: 'refused'; readonly why: string }
  | { readonly is: 'unreachable'; readonly why: string }
  | { readonly is: 'not now'; readonly why: unknown }

/**
 * Looks whether the packages that main will ask for with this release are there. It changes nothing, and
 * takes less than a millisecond.
 */
export async function lookForPackages(verified: Verified, on: Ground): Promise<Prepared | Refused> {
  const { staging } = filesOf(verified.release.id, on.site.paths)
  const asked = await askedIn(viewWith(verified.plan, { folder: staging, only: null }, on.site), on)
  if ('mistakes' in asked)
    return { refused: packageWords.mistakes(asked.mistakes), mayBeCutOff: true }
  if ('inUse' in asked) return { is: 'there', inUse: asked.inUse }
  const found = await on.packages.find(asked.wish)
  return found === null
    ? { is: 'wanted', wish: asked.wish }
    : { is: 'there', inUse: inUseOf(found, on.site) }
}

/** Installs what a release wants, while the old program runs. The uploader is told of it. Never rejects. */
export async function install(wish: Wish, release: Release, on: Ground): Promise<Made> {
  const tell = (text: string) => {
    on.log.info(`${release.id}: ${text}`)
    on.answer(`${release.id}: ${text}`)
  }
  try {
    await on.packages.collect(oldestUndoable(on.site))
    await on.packages.make(wish, tell)
    return { is: 'made' }
  } catch (error) {
    if (isOutOfSpace(error)) return { is: 'not now', why: error }
    if (!isExpected(error)) throw error
    const why = messageOf(error) + hintText(hintOf(error))
    return { is: codeOf(error) === 'ENETWORK' ? 'unreachable' : 'refused', why }
  }
}

/**
 * Chooses what the program is started with: what main asks for. If that is not there, what was in use
 * until now (at first the bare interpreter) stands in for it, and that is said loudly. What something else runs
 * finds it by a link.
 */
export async function choosePackages(on: Ground): Promise<void> {
  await choose(on)
  if (on.elsewhere === null) return
  try {
    linkEnvironment(on.packages.inUse(), on.site)
  } catch (error) {
    // A full disk: it is put right at the next start.
    if (!isExpected(error)) throw error
    on.log.error(packageWords.notLinked(on.site.paths.environment, messageOf(error)))
  }
}

async function choose(on: Ground): Promise<void> {
  const asked = await askMain(on)
  if ('inUse' in asked) return on.packages.use(asked.inUse, null)
  if ('why' in asked) {
    on.log.error(packageWords.standIn(asked.why))
    return on.packages.use(on.packages.inUse(), null)
  }
  const found = await on.packages.find(asked.wish)
  if (found !== null) return on.packages.use(inUseOf(found, on.site), null)
  on.log.error(packageWords.standIn(packageWords.packagesMissing(asked.wish.from)))
  on.packages.use(on.packages.inUse(), asked.wish)
}

/**
 * Before the first start: makes what main asks for if it is not there any more: deleted by hand, or made
 * for the Python before an upgrade. Gives up when that fails, or something else is to be done first.
 */
export async function remakePackages(on: Ground): Promise<void> {
  const wish = await missingPackages(on)
  if (wish === null) return
  on.log.warn(packageWords.remaking(wish.from))
  await within(tryAgain(wish, on), on.orders.call())
}

/** What main asks for and is not there; null when all is. */
export async function missingPackages(on: Ground): Promise<Wish | null> {
  const asked = await askMain(on)
  return 'wish' in asked && (await on.packages.find(asked.wish)) === null ? asked.wish : null
}

/**
 * Makes what main asks for and was not there at the last start, again and again with growing waits.
 * Resolves when there is nothing more to be done; or the daemon ends.
 */
export async function healPackages(on: Ground): Promise<void> {
  const { retryMs, retryMaxMs } = on.site.config.python
  for (let waitMs = retryMs; !on.shutdown.aborted; waitMs = Math.min(2 * waitMs, retryMaxMs)) {
    await on.clock.sleep(waitMs, on.shutdown)
    const wish = on.packages.lacking()
    if (wish === null || (await tryAgain(wish, on))) return
  }
}

async function tryAgain(wish: Wish, on: Ground): Promise<boolean> {
  try {
    await on.packages.make(wish, (text) => on.log.info(text))
    return true
  } catch (error) {
    if (!isExpected(error)) throw error
    if (!on.shutdown.aborted) on.log.error(messageOf(error) + hintText(hintOf(error)))
    return false
  }
}

/** Removes the environments that nobody needs any more, as far as there are too many. */
export async function collectPackages(on: Ground): Promise<void> {
  try {
    await on.packages.collect(oldestUndoable(on.site))
  } catch (error) {
    if (!isExpected(error)) throw error
    on.log.warn(packageWords.notCollected(messageOf(error)))
  }
}

/** The oldest release that may yet be taken out of main: what ran before it must stay. */
function oldestUndoable({ disk, paths }: Site): ReleaseId | null {
  const names = [paths.releases, paths.journals].flatMap((folder) => disk.list(folder))
  return names.filter(isReleaseId).sort(byAge)[0] ?? null
}

/**
 * What main asks for now; or why that is not known: whatever has become of its files, the program is
 * started.
 */
async function askMain(
  on: Ground,
): Promise<{ readonly wish: Wish } | { readonly inUse: InUse } | { readonly why: string }> {
  try {
    const asked = await askedIn(viewOf(on.site), on)
    return 'mistakes' in asked ? { why: packageWords.mistakes(asked.mistakes) } : asked
  } catch (error) {
    if (!isExpected(error)) throw error
    return { why: messageOf(error) }
  }
}

/** What main asks for in this view of it: packages, or no more than what is there anyway. */
export async function askedIn(
  view: View,
  on: Pick<Ground, 'packages' | 'python' | 'site'>,
): Promise<
  { readonly wish: Wish } | { readonly inUse: InUse } | Extract<Asked, { mistakes: unknown }>
> {
  const given = await on.packages.given()
  if (given !== null) return { inUse: given }
  const asked = await readWish(view, on.site.config.python, on.site.disk)
  if ('mistakes' in asked) return asked
  const { wish } = asked
  return wish === null ? { inUse: { python: on.python, address: null, folder: null } } : { wish }
}

function inUseOf({ python, address }: Environment, { paths }: Site): InUse {
  return { python, address, folder: join(paths.environments, address) }
}
