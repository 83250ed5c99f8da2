import { join } from 'node:path'
import type { Site } from '../../config.ts'
import type { Move } from '../../model.ts'
import { gitWords } from '../../words-git.ts'
import { type Git, gitFolder } from './call.ts'
import { changesBetween } from './changes.ts'
import { type Obstacle, readCheckout } from './checkout.ts'
import { type Local, localTrouble } from './judgement.ts'

/**
 * Looks again whether a commit that was taken still fits main: packages may have been installed for minutes, or
 * what it was compared with rolled back. `drops` are the paths that its plan takes out of main. The answer is
 * what was changed in main and is to be saved, or what has come in its way.
 */
export async function judgeAgain(
  move: Move,
  drops: readonly string[],
  git: Git,
  site: Site,
): Promise<Local | Obstacle> {
  const checkout = await readCheckout(git, site)
  if ('why' in checkout) return checkout
  const held = await lockIn(git, site)
  if (held !== null) return { why: gitWords.locked(held), hint: gitWords.lockedHint }
  if (checkout.head !== move.old) return { why: gitWords.notAt(move.old) }
  const changes = await changesBetween(move.old, move.new, git)
  if (changes === null) return { why: gitWords.missing }
  const local = await localTrouble(changes, git, site)
  if ('why' in local) return local
  // A folder goes with all that is in it: there may be more now.
  const isAsTaken = local.leaving.join('\0') === drops.toSorted().join('\0')
  return isAsTaken ? local : { why: gitWords.otherThanTaken }
}

/** A lock of somebody's git, with which the index or HEAD could not follow; null: there is none. */
async function lockIn(git: Git, { disk }: Site): Promise<string | null> {
  const folder = await gitFolder(git)
  const locks = ['index.lock', 'HEAD.lock'].map((name) => join(folder, name))
  return locks.find((lock) => disk.kind(lock) !== null) ?? null
}
