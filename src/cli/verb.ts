import type { ParseArgsConfig } from 'node:util'
import { codeOf, notRunning } from '../errors.ts'

/** Exit codes of every verb, after LSB: 3 is "not running" (`status` of an init script). */
export const exitCodes = { done: 0, failed: 1, usage: 2, notRunning: 3 } as const

/** The exit code for an expected failure. */
export function exitCodeOf(error: unknown): number {
  switch (codeOf(error)) {
    case notRunning:
      return exitCodes.notRunning
    case 'ECONFIG':
    case 'EUSAGE':
      return exitCodes.usage
    default:
      return exitCodes.failed
  }
}

/** What was asked of a verb. */
export type Asked = {
  /** The project directory, as given. */
  readonly directory: string
  /** Of many projects: the name of one, or a pattern of names, as `-p` gives it. */
  readonly project: string | undefined
  /** Answer in JSON, for programs. */
  readonly json: boolean
  /** The verb's own options, as `options` of the verb declares them. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  /** What else was on the command line. */
  readonly args: readonly string[]
}

/** One verb of the command line. Each has a file of its own, loaded when it is asked for. */
export type Verb = {
  /** What `VERB --help` prints, apart from the options that all verbs have. */
  readonly help: string
  /** Its own options; a text option is undefined when it is not given. */
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** How many arguments it takes. */
  readonly takes: { readonly least: number; readonly most: number }
  /** Does it; the answer is the exit code. An OperationalError becomes a message and exit code 1. */
  readonly run: (asked: Asked) => Promise<number>
}

/** What a verb takes that is for all projects, or for those that are named. */
export const names: Verb['takes'] = { least: 0, most: Number.POSITIVE_INFINITY }

/** What is said of them. */
export const namesHelp = `Of many projects: all of them, or those that are named; 'ga*' names several.
`
