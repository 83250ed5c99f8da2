import { readFile } from 'node:fs/promises'
import type { DepositSite } from '../../config.ts'
import { isExpected } from '../../errors.ts'
import { shown } from '../../phrases.ts'
import { foreignRead, sha256Of } from '../../system/foreign-file.ts'
import { type Manifest, manifestId, parseManifest } from './manifest.ts'
import { type NameKind, nameKinds } from './names.ts'
import { type Entry, placeIn, type Snapshot } from './scan.ts'

/** What a manifest makes of the deposit. */
export type Promised =
  /** All that it lists is there and right: this is the release. */
  | { readonly is: 'kept'; readonly snapshot: Snapshot }
  /** `missing` files are not there yet or, if none are, something is not right. */
  | { readonly is: 'open'; readonly why: string; readonly missing: number }
  /** It can never be kept. */
  | { readonly is: 'nonsense'; readonly why: string }

/**
 * Compares the deposit with its manifest. Sums are remembered as long as a file does not change, so
 * that looking again costs little.
 */
export function openSums({
  paths: { deposit },
  config,
}: DepositSite): (snapshot: Snapshot, manifest: Entry) => Promise<Promised> {
  let known = new Map<string, string>()
  const kindOf = nameKinds(config)

  async function sumOf(entry: Entry): Promise<string> {
    const key = `${entry.path}\0${entry.fingerprint}`
    const sum = known.get(key) ?? (await sha256Of(placeIn(deposit, entry.raw)))
    known.set(key, sum)
    return sum
  }

  return async (snapshot, manifest) => {
    if (manifest.kind !== 'file' || manifest.bytes > config.deposit.maxManifestBytes) {
      return { is: 'nonsense', why: `${manifest.path} is not a text file` }
    }
    const text = await readable(
      readFile(placeIn(deposit, manifest.raw), { encoding: 'utf8', flag: foreignRead }),
    )
    if (text === null) return { is: 'nonsense', why: `${manifest.path} cannot be read` }
    const all = parseManifest(text, manifest.path)
    const listed = typeof all === 'string' ? all : deployed(all, kindOf)
    if (typeof listed === 'string') return { is: 'nonsense', why: `${manifest.path}: ${listed}` }
    const present = new Map(snapshot.entries.map((entry) => [entry.path, entry]))
    const [first, ...others] = [...listed.keys()].filter((path) => !present.has(path))
    if (first !== undefined) {
      const missing = others.length + 1
      const why = `${listed.size - missing} of ${listed.size} files are there; ${shown(first)} is missing`
      return { is: 'open', why: `${manifest.path}: ${why}`, missing }
    }
    const why = await firstProblem(listed, present, sumOf)
    if (why !== null) return { is: 'open', why: `${manifest.path}: ${why}`, missing: 0 }
    known = new Map()
    const entries = onlyListed(snapshot.entries, listed)
    return { is: 'kept', snapshot: { ...snapshot, entries, manifestId: manifestId(text) } }
  }
}

/**
 * What is to be there of the files listed; a text says why it can never be. `find -type f` lists
 * bytecode and the like too, which is removed, and so not waited for.
 */
function deployed(all: Manifest, kindOf: (path: string) => NameKind): Manifest | string {
  const unfinished = [...all.keys()].find((path) => kindOf(path) === 'temporary')
  if (unfinished !== undefined) {
    return `${shown(unfinished)} has a temporary name, and is never deployed. Rename it`
  }
  const listed = new Map([...all].filter(([path]) => kindOf(path) === 'content'))
  return listed.size === 0 ? 'it lists nothing that is deployed' : listed
}

async function firstProblem(
  listed: Manifest,
  present: ReadonlyMap<string, Entry>,
  sumOf: (entry: Entry) => Promise<string>,
): Promise<string | null> {
  for (const [path, sum] of listed) {
    const entry = present.get(path)
    if (entry?.kind !== 'file') return `${shown(path)} is not a file`
    const found = await readable(sumOf(entry))
    if (found === null) return `${shown(path)} cannot be read`
    if (found !== sum) return `${shown(path)} does not have the sum that is listed`
  }
  return null
}

/** The listed files, and the folders they lie in. What else is there waits for its own turn. */
function onlyListed(entries: readonly Entry[], listed: Manifest): readonly Entry[] {
  const folders = new Set(
    [...listed.keys()].flatMap((path) => {
      const parts = path.split('/').slice(0, -1)
      return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    }),
  )
  return entries.filter(({ path, kind }) => (kind === 'dir' ? folders.has(path) : listed.has(path)))
}

/** What a look into a file tells; null when the system says no: that must not hold up everything. */
async function readable(looking: Promise<string>): Promise<string | null> {
  try {
    return await looking
  } catch (error) {
    if (!isExpected(error)) throw error
    return null
  }
}
