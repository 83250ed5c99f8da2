import type { Log } from '../../src/model.ts'
import type { Answer } from '../../src/source/deposit/result.ts'

/** A log that nobody reads. */
export const silent: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  output: () => undefined,
  room: () => null,
}

/** An answer that nobody waits for. */
export const unheard: Answer = { tell: () => undefined, waits: () => undefined }
