import { codeOf, hintOf, isExpected, messageOf, notRunning, withHint } from '../errors.ts'
import { words } from '../words.ts'
import { print, printAnswer } from './screen.ts'
import type { Chosen, Place } from './site.ts'
import { type Asked, exitCodeOf, exitCodes } from './verb.ts'

/** What a verb has to say of one project: for programs, for people, and as an exit code. */
export type Answered = { readonly value: unknown; readonly text: string; readonly code: number }

/** Says something on the way, to people only. */
export type Say = (text: string) => void

/**
 * Does the same for each project that was asked for, side by side, and prints what comes of it. Of several each line
 * carries the name, JSON is an object by name, and one that fails keeps none of the others from it. The answer is the
 * exit code: the worst.
 */
export async function answerEach(
  asked: Pick<Asked, 'json'>,
  { isMany, places }: Chosen,
  what: (place: Place, say: Say) => Promise<Answered>,
): Promise<number> {
  const [first] = places
  if (!isMany && first !== undefined) {
    const { value, text, code } = await what(first, (said) => asked.json || print(said))
    printAnswer(asked, value, text)
    return code
  }
  const all = await Promise.all(
    places.map(async (place): Promise<Ended> => {
      const name = place.name ?? ''
      const say = (said: string) => asked.json || print(named(name, said))
      try {
        const answered = await what(place, say)
        say(answered.text)
        return { name, ...answered, error: null }
      } catch (error) {
        if (!isExpected(error)) throw error
        const value = { error: messageOf(error), ...withHint(hintOf(error)) }
        return { name, value, code: exitCodeOf(error), error }
      }
    }),
  )
  // Of a daemon that is not there once is enough.
  const errors = all.flatMap(({ error }) => (error === null ? [] : [error]))
  if (errors.length === all.length && errors.every((one) => codeOf(one) === notRunning)) {
    for (const error of errors) throw error
  }
  for (const { name, error } of all) {
    if (error !== null) console.error(words.failure(named(name, messageOf(error)), hintOf(error)))
  }
  if (asked.json) {
    print(JSON.stringify(Object.fromEntries(all.map(({ name, value }) => [name, value])), null, 1))
  }
  return Math.max(exitCodes.done, ...all.map(({ code }) => code))
}

type Ended = {
  readonly name: string
  readonly value: unknown
  readonly code: number
  readonly error: unknown
}

/** A text with the name of a project before each of its lines. */
function named(name: string, text: string): string {
  return text.replace(/^/gm, `${name}: `)
}
