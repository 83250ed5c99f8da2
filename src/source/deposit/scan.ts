import { createHash } from 'node:crypto'
import { type BigIntStats, chmodSync, lstatSync, readdirSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { breather } from '../../system/breath.ts'
import { type NameKind, nameKinds } from './names.ts'

/** One thing in a folder tree. */
export type Entry = {
  /** Relative to the tree's root, as text for people. */
  readonly path: string
  /** The same as the disk has it: a name need not be UTF-8. */
  readonly raw: Buffer
  /** `closed`: a folder that this user may not read and cannot open. */
  readonly kind: 'file' | 'dir' | 'other' | 'closed'
  readonly bytes: number
  readonly uid: number
  /** Stays the same through a rename; changes when the content may have. */
  readonly fingerprint: string
}

/** What lies in the deposit at one moment. */
export type Snapshot = {
  /** What would be claimed; a folder comes before what is in it. */
  readonly entries: readonly Entry[]
  /** Folders that cannot be read; they stay where they are. */
  readonly closed: readonly Entry[]
  /** Files under temporary names. */
  readonly temporary: readonly Entry[]
  /** What editors, syncers and Python leave behind, to be removed. */
  readonly junk: readonly Entry[]
  /** The list of what is to be there. It is consumed by the claim. */
  readonly manifest: Entry | null
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
  const kindOf = nameKinds(config)
  const found = new Map<NameKind, Entry[]>()
  const prints = createHash('sha1')
  for await (const entry of walk(deposit)) {
    const kind = kindOf(entry.path)
    const list = found.get(kind) ?? []
    list.push(entry)
    found.set(kind, list)
    if (watched.has(kind)) prints.update(`${entry.path}\0${entry.fingerprint}\0`)
  }
  const of = (kind: NameKind) => found.get(kind) ?? []
  return {
    entries: of('content').filter(({ kind }) => kind !== 'closed'),
    closed: of('content').filter(({ kind }) => kind === 'closed'),
    temporary: of('temporary').filter(({ kind }) => kind !== 'dir'),
    junk: of('junk'),
    manifest: of('manifest')[0] ?? null,
    hold: of('hold')[0]?.path ?? null,
    hasGo: of('go').length > 0,
    fingerprint: prints.digest('hex'),
    hasContent: of('content').some(({ kind }) => kind === 'file' || kind === 'other'),
  }
}

/** The kinds of names whose changes mean that an upload is under way. */
const watched: ReadonlySet<NameKind> = new Set(['content', 'temporary', 'keep', 'manifest'])

/** All that is below a folder, never following a link; a folder comes before what is in it. */
export async function* walk(root: string): AsyncGenerator<Entry> {
  const breath = breather()
  const folders: Buffer[] = [Buffer.alloc(0)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(placeIn(root, folder)) ?? []) {
      await breath()
      const raw = folder.length === 0 ? name : Buffer.concat([folder, slash, name])
      const entry = openUp(root, look(root, raw))
      if (entry?.kind === 'dir') folders.push(raw)
      if (entry !== null) yield entry
    }
  }
}

/** A folder whose names cannot be had is `closed`; everything else stays what it is. */
function openUp(root: string, entry: Entry | null): Entry | null {
  if (entry?.kind !== 'dir' || namesIn(placeIn(root, entry.raw)) !== null) return entry
  return { ...entry, kind: 'closed' }
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

/** The names in a folder, in a fixed order; null when they may not be read. */
function namesIn(folder: Buffer): Buffer[] | null {
  try {
    return readNames(folder)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
  }
  try {
    // Uploaded with strange rights, but as our own user: open it.
    chmodSync(folder, 0o700)
    return readNames(folder)
  } catch {
    return null
  }
}

function readNames(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}
