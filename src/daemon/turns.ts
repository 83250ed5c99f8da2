import { OperationalError } from '../errors.ts'
import type { Ahead } from '../python/check.ts'
import type { Packages } from '../python/packages.ts'
import { type Bustle, openBustle } from '../system/bustle.ts'
import { openSlots, type Slots } from '../system/slots.ts'
import { words } from '../words.ts'

/**
 * What many projects do in turns, so that a small machine is not asked for all at once. Checks have places of their
 * own: an install takes minutes, and whoever waits for its check holds up its own project.
 */
export type Turns = {
  /** Looks at remotes, and installs of packages. */
  readonly fetches: Slots
  readonly checks: Slots
  /** Who is in the midst of something: a reboot waits until nobody is. */
  readonly bustle: Bustle
}

/** Opens them for so many at the same time. */
export function openTurns(many: () => number): Turns {
  const bustle = openBustle()
  const fetches = openSlots(many)
  return {
    fetches: {
      // Who waits for a look may find something to do.
      async during(signal, what) {
        const note = bustle.enter()
        note(true)
        try {
          return await fetches.during(signal, what)
        } finally {
          note(false)
        }
      },
    },
    checks: openSlots(many),
    bustle,
  }
}

/** The packages of a project, which are installed when it is its turn. `end` is the project's. */
export function installInTurn(packages: Packages, { fetches }: Turns, end: AbortSignal): Packages {
  return {
    ...packages,
    async make(wish, tell) {
      const made = await fetches.during(end, () => packages.make(wish, tell))
      if (made === null) throw new OperationalError(words.endingNow, { code: 'EENDING' })
      return made
    },
  }
}

/** The checkers of a project, which are asked when it is its turn; at once while its program is down. */
export function checkInTurn(ahead: Ahead, { checks }: Turns, isUp: () => boolean): Ahead {
  return {
    ...ahead,
    take: (python, behalf) => ({
      async ask(question, patienceMs, end) {
        // Not before: each that waits is a process.
        const ask = () => ahead.take(python, behalf).ask(question, patienceMs, end)
        if (!isUp()) return ask()
        return (await checks.during(end, ask)) ?? { is: 'aborted' }
      },
      isWaiting: () => true,
      drop: () => undefined,
    }),
  }
}
