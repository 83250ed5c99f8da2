import type { Release, ReleaseId } from '../model.ts'
import { words } from '../words.ts'
import type { Ground } from './ground.ts'
import { choosePackages } from './packages.ts'
import { noteReboot } from './reboot.ts'

/**
 * Has whoever runs the program run what is in main, which is `now` and has passed its trial: `undone` has been taken
 * out; or, if it is null, one that was half in main, or its packages are there again. If the daemon ends first, the reason is thrown: the stage on
 * disk is still `undoing`, and the next start tells him.
 */
export async function tellAgain(now: ReleaseId, undone: Release | null, on: Ground): Promise<void> {
  const { elsewhere, shutdown, log } = on
  if (elsewhere === null) return
  shutdown.throwIfAborted()
  if (undone !== null) await noteReboot(undone, on)
  const heard = await elsewhere.tell(now)
  shutdown.throwIfAborted()
  if (heard.is === 'failed') log.error(words.oldNotTold(now, heard.why))
}

/**
 * For the start, when main is whole: says so. With nothing on trial the link leads to the packages that main asks
 * for.
 */
export async function settleElsewhere(isOnTrial: boolean, on: Ground): Promise<void> {
  if (on.elsewhere === null) return
  on.elsewhere.settle()
  on.log.info(words.runElsewhere)
  if (isOnTrial) return
  await choosePackages(on)
}
