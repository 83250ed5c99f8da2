import { basename, dirname, join } from 'node:path'
import { whiteoutPrefix as prefix } from '../config.ts'

/**
 * Whiteouts, as in the layers of container images (OCI image-spec, "Whiteouts"): a file `.wh.NAME`
 * deletes NAME, and `.wh..wh..opq` empties the folder it lies in first.
 */
export type Whiteout =
  | { readonly is: 'one'; readonly path: string }
  | { readonly is: 'all'; readonly folder: string }
  | { readonly is: 'nonsense' }

/** What a path of the release says is to be deleted; null for anything but a whiteout. */
export function whiteoutOf(path: string): Whiteout | null {
  const name = basename(path)
  if (!name.startsWith(prefix)) return null
  const folder = dirname(path)
  if (name === `${prefix}${prefix}.opq`) return { is: 'all', folder: folder === '.' ? '' : folder }
  const target = name.slice(prefix.length)
  // `.wh...` would name the parent folder.
  if (['', '.', '..'].includes(target) || target.startsWith(prefix)) return { is: 'nonsense' }
  return { is: 'one', path: join(folder, target) }
}
