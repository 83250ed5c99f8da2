import { asking, type Paths } from '../config.ts'
import type { Answers, RequestName } from '../control/api.ts'
import type { Ask } from '../control/ask-desk.ts'
import { ask } from '../control/client.ts'
import { codeOf, notRunning } from '../errors.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'

/** Asks the daemon that runs in a project, for as long as it takes. */
export function askAt(paths: Paths): Ask {
  return (name, body) => ask(name, paths, body)
}

/** Asks the daemon of a project; null when none runs. Throws as `ask` does for anything else. */
export async function askIfRunning<Name extends RequestName>(
  name: Name,
  paths: Paths,
): Promise<Answers[Name] | null> {
  try {
    return await ask(name, paths, undefined, asking.answerMs)
  } catch (error) {
    if (codeOf(error) !== notRunning) throw error
    return null
  }
}

/** Asks the daemon of a project; when none runs, says so and reads what the disk tells. */
export async function askOrRead<Name extends RequestName>(
  name: Name,
  paths: Paths,
  read: () => Promise<Answers[Name]>,
): Promise<Answers[Name]> {
  const answer = await askIfRunning(name, paths)
  if (answer !== null) return answer
  console.error(verbWords.fromDisk(words.notRunning(paths.project)))
  return read()
}
