import { type Config, changeTo, readAtStart, type Site } from '../config.ts'
import { type Layout, loadLayout } from '../config-projects.ts'
import { hintOf, isExpected, messageOf } from '../errors.ts'
import type { Log } from '../model.ts'
import type { Answer } from '../project/orders.ts'
import { words } from '../words.ts'
import { projectWords } from '../words-projects.ts'

/** Puts what `supervisor.toml` says now into force; a broken one changes nothing. */
export async function reloadSettings({ paths, config }: Site, log: Log): Promise<Answer> {
  const next = await readAgain('one', paths.project, log)
  if ('refused' in next) return { is: 'refused', why: next.refused }
  const text = putInForce(next.config, config) ?? words.reloaded([], [])
  log.info(text)
  return { is: 'done', text }
}

/** The settings as the file has them now; or why they cannot come into force, which is logged. */
export async function readAgain<Is extends Layout['is']>(
  is: Is,
  directory: string,
  log: Log,
): Promise<Extract<Layout, { is: Is }> | { readonly refused: string }> {
  const found = await tryToRead(directory)
  if (!('refused' in found) && isLike(found, is)) return found
  const refused = 'refused' in found ? found.refused : projectWords.otherKind(found.is)
  log.error(refused)
  return { refused }
}

async function tryToRead(directory: string): Promise<Layout | { readonly refused: string }> {
  try {
    return await loadLayout(directory)
  } catch (error) {
    if (!isExpected(error)) throw error
    return { refused: words.notReloaded(messageOf(error), hintOf(error)) }
  }
}

function isLike<Is extends Layout['is']>(
  found: Layout,
  is: Is,
): found is Extract<Layout, { is: Is }> {
  return found.is === is
}

/** Puts settings into force in place; the answer tells people what has changed, null: nothing. */
export function putInForce(next: Config, config: Config): string | null {
  const changed = changeTo(next, config)
  if (changed.length === 0) return null
  const atStart = changed.filter((name) => readAtStart.includes(name))
  return words.reloaded(changed, atStart)
}
