import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all garbage now. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** True when all of the many objects that `make` makes are garbage as soon as nobody here holds them. */
export async function areForgotten(make: () => object | Promise<object>): Promise<boolean> {
  const made: WeakRef<object>[] = []
  for (let round = 0; round < 100; round += 1) made.push(new WeakRef(await make()))
  // What a WeakRef was made of in this turn of the event loop is held until its end.
  await nextTurn()
  collectGarbage()
  // The last may still be in a register.
  return made.filter((one) => one.deref() !== undefined).length <= 1
}
