import { join } from 'node:path'
import { outputOf } from './launch.ts'
import { now } from './now.ts'
import type { Tree } from './peer.ts'
import { copied } from './program.ts'
import type { Stage } from './stage.ts'

/** A function that copies the tree into a new folder with `cp -r`, and says how many ms that took. */
export async function copyTimer(tree: Tree, stage: Stage): Promise<() => Promise<number>> {
  const from = join(await stage.folder(), 'from')
  await copied(tree, from)
  return async () => {
    const to = join(await stage.folder(), 'to')
    const began = now()
    await outputOf('cp', ['-r', from, to])
    return now() - began
  }
}
