import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { breather } from '../../system/breath.ts'
import { nameKinds } from './names.ts'

/** One thing in a folder tree. */
export type Entry = {
  /** Relative to the tree's root, as text for people. */
  readonly path: string
  /** The same as the disk has it: a name need not be UTF-8. */
  readonly raw: Buffer
  readonly kind: 'file' | 'dir' | 'other'
  readonly bytes: number
  readonly uid: number
  /** Stays the same through a rename; changes when the content may have. */
  readonly fingerprint: string
}

/** What lies in the deposit at one moment. */
export type Snapshot = {
  /** What would be claimed; a folder comes before what is in it. */
  readonly entries: readonly Entry[]
  /** Files under temporary names. */
  readonly temporary: readonly Entry[]
  /** What editors, syncers and Python leave behind, to be removed. */
  readonly junk: readonly Entry[]
  /** The marker that says: claim nothing. */
  readonly hold: string | null
  /** The marker that says: all is there. It is consumed by the claim. */
  readonly hasGo: boolean
  /** Changes whenever an upload changes anything, also under temporary names. */
  readonly fingerprint: string
  /** True when there is something to claim. Empty folders alone are not. */
  readonly hasContent: boolean
}

/** Looks at all of the deposit. What vanishes during the look is not in it. */
export async function scan(deposit: string, config: Config): Promise<Snapshot> {
  const entries: Entry[] = []
  const temporary: Entry[] = []
  const junk: Entry[] = []
  const prints = createHash('sha1')
  let hold: string | null = null
  let hasGo = false
  const kindOf = nameKinds(config)
  for await (const entry of walk(deposit)) {
    const kind = kindOf(entry.path)
    if (kind === 'junk') junk.push(entry)
    if (kind === 'hold') hold = entry.path
    if (kind === 'go') hasGo = true
    if (!['content', 'temporary', 'keep'].includes(kind)) continue
    prints.update(`${entry.path}\0${entry.fingerprint}\0`)
    if (kind === 'content') entries.push(entry)
    if (kind === 'temporary' && entry.kind !== 'dir') temporary.push(entry)
  }
  return {
    entries,
    temporary,
    junk,
    hold,
    hasGo,
    fingerprint: prints.digest('hex'),
    hasContent: entries.some((entry) => entry.kind !== 'dir'),
  }
}

/** All that is below a folder, never following a link; a folder comes before what is in it. */
export async function* walk(root: string): AsyncGenerator<Entry> {
  const breath = breather()
  const folders: Buffer[] = [Buffer.alloc(0)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(placeIn(root, folder))) {
      await breath()
      const raw = folder.length === 0 ? name : Buffer.concat([folder, slash, name])
      const entry = look(root, raw)
      if (entry === null) continue
      if (entry.kind === 'dir') folders.push(raw)
      yield entry
    }
  }
}

/** The absolute place of an entry in a tree. */
export function placeIn(root: string, raw: Buffer): Buffer {
  return raw.length === 0 ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), raw])
}

/** What is at a place of a tree now, or null. */
export function look(root: string, raw: Buffer): Entry | null {
  const stat = lstatSync(placeIn(root, raw), { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return null
  const kind = stat.isDirectory() ? 'dir' : stat.isFile() ? 'file' : 'other'
  return {
    path: raw.toString('utf8'),
    raw,
    kind,
    bytes: kind === 'file' ? Number(stat.size) : 0,
    uid: Number(stat.uid),
    fingerprint: fingerprintOf(stat, kind),
  }
}

function fingerprintOf(stat: BigIntStats, kind: Entry['kind']): string {
  // A folder's own times change with what is in it, and that is seen anyway.
  return kind === 'dir' ? `${stat.ino}` : `${stat.ino}:${stat.size}:${stat.mtimeNs}`
}

const slash = Buffer.from('/')

function namesIn(folder: Buffer): Buffer[] {
  try {
    // In a fixed order: the fingerprint must not depend on how the folder was filled.
    return readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}
