import type { Machine } from './patient.ts'

/** How bad it is. `unknown`: it could not be looked at. */
export type State = 'ok' | 'unknown' | 'warning' | 'error'

/** One thing that was looked at. */
export type Finding = {
  /** Its name, for programs. It stays the same from version to version. */
  readonly check: string
  /** Of many projects: which one it is about. */
  readonly project?: string
  readonly state: State
  /** One short line for people: 54 columns, where names and paths allow it. */
  readonly text: string
  /** One line to paste into a shell, which mends it. */
  readonly fix?: string | undefined
}

/** Looks at one subject. It may throw or hang: the others go on. */
export type Check<Needs = Machine> = {
  readonly name: string
  readonly look: (at: Needs) => Promise<readonly Finding[]> | readonly Finding[]
}

/** All is well. */
export function ok(check: string, text: string): Finding {
  return { check, state: 'ok', text }
}

/** It works, but not as well or as safely as it could. */
export function warning(check: string, text: string, fix?: string): Finding {
  return { check, state: 'warning', text, fix }
}

/** Something that is promised does not work. */
export function error(check: string, text: string, fix?: string): Finding {
  return { check, state: 'error', text, fix }
}

/** It could not be looked at; `fix` is the way to know. */
export function unknown(check: string, text: string, fix?: string): Finding {
  return { check, state: 'unknown', text, fix }
}
