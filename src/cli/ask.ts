import { asking } from '../config.ts'
import type { Answers, RequestName } from '../control/api.ts'
import type { Ask } from '../control/ask-desk.ts'
import { ask, type Door } from '../control/client.ts'
import { codeOf, notRunning } from '../errors.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'

/** Asks the daemon that runs, for as long as it takes. */
export function askAt(door: Door): Ask {
  return (name, body) => ask(name, door, body)
}

/** Asks the daemon; null when none runs. Throws as `ask` does for anything else. */
export async function askIfRunning<Name extends RequestName>(
  name: Name,
  door: Door,
): Promise<Answers[Name] | null> {
  try {
    return await ask(name, door, undefined, asking.answerMs)
  } catch (error) {
    if (codeOf(error) !== notRunning) throw error
    return null
  }
}

/** Whether a daemon answers. */
export async function isRunning({ project, run }: Door): Promise<boolean> {
  try {
    return (await askIfRunning('projects', { project, run })) !== null
  } catch (error) {
    // A daemon of one project.
    if (codeOf(error) === 'EREFUSED') return true
    throw error
  }
}

/** Asks the daemon; when none runs, says so and reads what the disk tells. */
export async function askOrRead<Name extends RequestName>(
  name: Name,
  door: Door,
  read: () => Promise<Answers[Name]>,
): Promise<Answers[Name]> {
  const answer = await askIfRunning(name, door)
  if (answer !== null) return answer
  console.error(verbWords.fromDisk(words.notRunning(door.project)))
  return read()
}
