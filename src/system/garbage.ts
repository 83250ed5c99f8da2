import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives memory that nothing uses any more back to the system; nothing else is done for some twenty milliseconds.
 * Node looks for such memory when it wants more: a daemon that rests keeps what its largest release took, for days.
 */
export function collectGarbage(): void {
  // Only contexts that are made after the flag have the function.
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect !== 'function') return
  // Pages that the first finds empty it keeps; the second gives them back.
  collect()
  collect()
}
