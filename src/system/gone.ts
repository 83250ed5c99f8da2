import type { Disk } from './disk.ts'

/** What the name of a folder ends in while it is being removed: a power cut may leave a rest of it. */
export const goneSuffix = '.gone'

/**
 * Removes a folder with all that is in it; it need not be there. The one rename in front makes it happen
 * at once, to all who would still use it: half of it could look like something else.
 */
export async function dropFolder(dir: string, disk: Disk): Promise<void> {
  const gone = `${dir}${goneSuffix}`
  await disk.removeTree(gone)
  if (disk.kind(dir) !== null) disk.rename(dir, gone)
  await disk.removeTree(gone)
}
