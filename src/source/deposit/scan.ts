import { createHash } from 'node:crypto'
import { accessSync, type BigIntStats, chmodSync, constants, lstatSync, readdirSync } from 'node:fs'
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
  /**
   * `closed`: a folder that this user may not read or empty, and cannot open. `deep`: one whose path
   * is so long that what lies in it has no place in main.
   */
  readonly kind: 'file' | 'dir' | 'other' | 'closed' | 'deep'
  readonly bytes: number
  readonly uid: number
  /** Stays the same through a rename; changes when the content may have. */
  readonly fingerprint: string
}

/** What lies in the deposit at one moment. */
export type Snapshot = {
  /** What would be claimed; a folder comes before what is in it. */
  readonly entries: readonly Entry[]
  /** Folders that cannot be looked into; they stay where they are. */
  readonly closed: readonly Entry[]
  /** Files under temporary names. */
  readonly temporary: readonly Entry[]
  /** What editors, syncers and Python leave behind, to be removed. */
  readonly junk: readonly Entry[]
  /** The list of what is to be there. It is consumed by the claim. */
  readonly manifest: Entry | null
  /** What identifies that list, once all it lists is there and right. */
  readonly manifestId?: string
  /** The marker that says: claim nothing. */
  readonly hold: string | null
  /** The marker that says: all is there. It is consumed by the claim. */
  readonly hasGo: boolean
  /** Changes whenever an upload changes anything that stays, also under temporary names. */
  readonly fingerprint: string
  /** Changes with what is to be removed as well: as long as it does, the upload goes on. */
  readonly activity: string
  /** True when there is something to claim. Empty folders alone are not. */
  readonly hasContent: boolean
}

/**
 * Looks at all of the deposit. What vanishes during the look is not in it. `mayEnter` tells of a folder
 * whether to look into it.
 */
export async function scan(
  deposit: string,
  config: Config,
  mayEnter: (folder: Buffer) => boolean = canEmpty,
): Promise<Snapshot> {
  const kindOf = nameKinds(config)
  const found = new Map<NameKind, Entry[]>()
  const prints = createHash('sha1')
  const activity = createHash('sha1')
  for await (const entry of walk(deposit, config.verify.maxPathBytes, mayEnter)) {
    const named = kindOf(entry.path)
    // A folder is no marker and no list, whatever its name: what lies in it must come along.
    const kind = entry.kind === 'dir' && forFiles.has(named) ? 'content' : named
    const list = found.get(kind) ?? []
    list.push(entry)
    found.set(kind, list)
    const print = `${entry.path}\0${entry.fingerprint}\0`
    if (watched.has(kind)) prints.update(print)
    if (watched.has(kind) || kind === 'junk') activity.update(print)
  }
  const of = (kind: NameKind) => found.get(kind) ?? []
  return {
    entries: of('content').filter(isOpen),
    closed: [...of('content'), ...of('junk')].filter((entry) => !isOpen(entry)),
    temporary: of('temporary').filter(({ kind }) => kind !== 'dir'),
    junk: of('junk').filter(isOpen),
    manifest: of('manifest')[0] ?? null,
    hold: of('hold')[0]?.path ?? null,
    hasGo: of('go').length > 0,
    fingerprint: prints.digest('hex'),
    activity: activity.digest('hex'),
    hasContent: of('content').some(({ kind }) => kind === 'file' || kind === 'other'),
  }
}

/** The kinds of names whose changes mean that an upload is under way. */
const watched: ReadonlySet<NameKind> = new Set(['content', 'temporary', 'keep', 'manifest'])

/** The kinds of names that only a file (or what pretends to be one) can have. */
const forFiles: ReadonlySet<NameKind> = new Set(['hold', 'go', 'manifest', 'own'])

function isOpen({ kind }: Entry): boolean {
  return kind !== 'closed' && kind !== 'deep'
}

/**
 * All that is below a folder, never following a link; a folder comes before what is in it. One whose
 * path is longer than `maxPathBytes` is not gone into: the system takes only so long a path.
 */
export async function* walk(
  root: string,
  maxPathBytes: number,
  mayEnter: (folder: Buffer) => boolean = canEmpty,
): AsyncGenerator<Entry> {
  const breath = breather()
  const folders: Buffer[] = [Buffer.alloc(0)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(placeIn(root, folder))) {
      await breath()
      const raw = folder.length === 0 ? name : Buffer.concat([folder, slash, name])
      const entry = openUp(root, look(root, raw), maxPathBytes, mayEnter)
      if (entry?.kind === 'dir') folders.push(raw)
      if (entry !== null) yield entry
    }
  }
}

/** A folder that cannot be gone into is `closed` or `deep`; everything else stays what it is. */
function openUp(
  root: string,
  entry: Entry | null,
  maxPathBytes: number,
  mayEnter: (folder: Buffer) => boolean,
): Entry | null {
  if (entry?.kind !== 'dir') return entry
  if (entry.raw.length > maxPathBytes) return { ...entry, kind: 'deep' }
  return mayEnter(placeIn(root, entry.raw)) ? entry : { ...entry, kind: 'closed' }
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

/**
 * Tells whether an entry still lies in the folders it was found in. A folder that has become a link
 * since would lead out of the tree, and what is there is not ours to take.
 */
export function placesOf(entries: readonly Entry[], root: string): (entry: Entry) => boolean {
  const folders = new Map(
    entries
      .filter(({ kind }) => kind === 'dir')
      .map((entry) => [entry.raw.toString('latin1'), entry]),
  )
  return ({ raw }) => {
    const parts = raw.toString('latin1').split('/').slice(0, -1)
    return parts.every((_, index) => {
      const folder = folders.get(parts.slice(0, index + 1).join('/'))
      return folder === undefined || look(root, folder.raw)?.fingerprint === folder.fingerprint
    })
  }
}

function fingerprintOf(stat: BigIntStats, kind: Entry['kind']): string {
  // A folder's own times change with what is in it, and that is seen anyway.
  return kind === 'dir' ? `${stat.ino}` : `${stat.ino}:${stat.size}:${stat.mtimeNs}`
}

const slash = Buffer.from('/')

const toEmpty = constants.R_OK | constants.W_OK | constants.X_OK

/** True when a folder's files can be read and moved; one of our own is opened for that. */
function canEmpty(folder: Buffer): boolean {
  try {
    return isOpenFor(folder, toEmpty)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
  }
  try {
    // Uploaded with strange rights, but as our own user: open it.
    chmodSync(folder, 0o700)
    return isOpenFor(folder, toEmpty)
  } catch {
    return false
  }
}

/** True when a folder can be looked into as it is. */
export function canLook(folder: Buffer): boolean {
  try {
    return isOpenFor(folder, constants.R_OK | constants.X_OK)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
    return false
  }
}

function isOpenFor(folder: Buffer, rights: number): boolean {
  try {
    accessSync(folder, rights)
  } catch (error) {
    // It has just gone: there is nothing to read.
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error
  }
  return true
}

/** The names in a folder, in a fixed order. */
function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}
