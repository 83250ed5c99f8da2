/**
 * An expected failure: something outside the daemon said no. It names the thing (`path`), keeps the
 * cause, and its `hint` tells the reader the way out. Anything else that is thrown is a bug.
 */
export class OperationalError extends Error {
  override readonly name = 'OperationalError'
  /** The system's error code (`ENOSPC`, `EACCES`, …) or one of our own words. */
  readonly code: string
  readonly path: string | undefined
  readonly hint: string | undefined

  constructor(
    message: string,
    about: { code: string; path?: string; hint?: string; cause?: unknown },
  ) {
    super(message, { cause: about.cause })
    this.code = about.code
    this.path = about.path
    this.hint = about.hint
  }
}

/** The code of the error with which the daemon of a project cannot be asked: none runs. */
export const notRunning = 'ENOTRUNNING'

/** The code of the error for a daemon that is asked and says nothing: it hangs. */
export const noAnswer = 'ENOANSWER'

/** The system's error code of anything thrown, or `''`. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** True when the disk, or the user's share of it, is full. */
export function isOutOfSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

/**
 * True for failures that come from outside: the system said no (a full disk, a missing permission).
 * False for bugs, whose codes, if any, are Node's own (`ERR_…`).
 */
export function isExpected(error: unknown): boolean {
  return error instanceof OperationalError || /^E[A-Z0-9]+$/.test(codeOf(error))
}

/** The way out that an error knows of, if it does. */
export function hintOf(error: unknown): string | undefined {
  return error instanceof OperationalError ? error.hint : undefined
}

/** A hint as a part of what is told; nothing where there is none. */
export function withHint(hint: string | undefined): { readonly hint?: string } {
  return hint === undefined ? {} : { hint }
}
