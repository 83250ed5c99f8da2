import { changeTo, readAtStart, type Site } from '../config.ts'
import { loadConfig } from '../config-file.ts'
import { hintOf, isExpected, messageOf } from '../errors.ts'
import type { Log } from '../model.ts'
import type { Answer } from '../project/orders.ts'
import { words } from '../words.ts'

/** Puts what `supervisor.toml` says now into force; a broken one changes nothing. */
export async function reloadSettings({ paths, config }: Site, log: Log): Promise<Answer> {
  try {
    const changed = changeTo(await loadConfig(paths.project), config)
    const atStart = changed.filter((name) => readAtStart.includes(name))
    const text = words.reloaded(changed, atStart)
    log.info(text)
    return { is: 'done', text }
  } catch (error) {
    if (!isExpected(error)) throw error
    const why = words.notReloaded(messageOf(error), hintOf(error))
    log.error(why)
    return { is: 'refused', why }
  }
}
