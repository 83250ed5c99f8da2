import { constants, lstatSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { link, open, readdir, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { DepositSite } from '../../config.ts'
import { codeOf, OperationalError } from '../../errors.ts'
import { foreignRead, sha256Of } from '../../system/foreign-file.ts'
import { verbWords } from '../../words-verbs.ts'
import { manifestId, manifestText } from './manifest.ts'
import { nameKinds } from './names.ts'

/** Files that are to become one release. */
export type Batch = {
  /** By the path each is to have in main: where it is now, absolute, and its size. */
  readonly files: ReadonlyMap<string, { readonly source: string; readonly bytes: number }>
  /** What is never deployed, because of its name. */
  readonly leftOut: readonly string[]
  readonly bytes: number
}

/**
 * Collects what was named on a command line, as rsync does: `app` becomes `app/…` in main, and of
 * `app/` (or `.`) it is what lies in it. Throws an OperationalError for what cannot be deployed.
 */
export async function collect(named: readonly string[], site: DepositSite): Promise<Batch> {
  const files = new Map<string, { source: string; bytes: number }>()
  const leftOut: string[] = []
  const kindOf = nameKinds(site.config)

  async function add(source: string, path: string): Promise<void> {
    if (path !== '' && kindOf(path) !== 'content') {
      leftOut.push(path)
      return
    }
    const stat = lstatSync(source)
    if (stat.isDirectory()) {
      for (const name of (await readdir(source)).sort())
        await add(join(source, name), join(path, name))
      return
    }
    if (!stat.isFile()) throw refusal(verbWords.notDeployable(source), source)
    if (files.has(path)) throw refusal(verbWords.twice(path), source)
    files.set(path, { source, bytes: stat.size })
  }

  for (const one of named) {
    const place = placeOf(one, site)
    const isContents = /(^|\/)\.{0,2}$/.test(one) && lstatSync(place).isDirectory()
    await add(place, isContents ? '' : basename(place))
  }
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0)
  if (files.size === 0) throw refusal(verbWords.nothingToDeploy, site.paths.deposit)
  return { files, leftOut, bytes }
}

/** Where something named is, absolute and without links on the way. */
function placeOf(named: string, { paths }: DepositSite): string {
  try {
    // Of a link itself that it is one; of `folder/` what is in it.
    const parent = realpathSync(dirname(named))
    const name = basename(named)
    const place = ['.', '..'].includes(name) ? realpathSync(named) : join(parent, name)
    lstatSync(place)
    if (`${realpathSync(paths.deposit)}/`.startsWith(`${place}/`)) {
      throw refusal(verbWords.isTheProject(named), place)
    }
    return place
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw refusal(verbWords.notThere(named), named)
  }
}

/**
 * Puts a batch into the deposit so that it is claimed as one release: its manifest first, so that nothing is
 * taken before all is there and right. The answer identifies the release. When it fails, or the
 * signal aborts, what was put is taken away again.
 */
export async function put(
  batch: Batch,
  site: DepositSite,
  onFile: (files: number, bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { paths, config } = site
  const list = join(paths.deposit, config.deposit.manifest)
  const sums = new Map<string, string>()
  for (const [path, { source }] of batch.files) {
    signal.throwIfAborted()
    sums.set(path, await sha256Of(source))
  }
  const text = manifestText(sums)
  const made: string[] = []
  try {
    await begin(list, text, site)
    made.push(list)
    let bytes = 0
    for (const [index, [path, file]] of [...batch.files].entries()) {
      signal.throwIfAborted()
      const place = join(paths.deposit, path)
      made.push(place)
      await copy(file.source, place, site)
      bytes += file.bytes
      onFile(index + 1, bytes)
    }
    return manifestId(text)
  } catch (error) {
    // The list last: as long as it is there, nothing of the rest is taken.
    for (const place of made.toReversed()) {
      await asOwner(site, async () => rmSync(place, { force: true }))
    }
    throw error
  }
}

/** Writes the list, so that it is there as a whole or not at all; a second one would mix two releases. */
async function begin(list: string, text: string, site: DepositSite): Promise<void> {
  // Of the names that nobody takes for a finished file.
  const temporary = join(dirname(list), `.in.${basename(list)}.${process.pid}`)
  try {
    await asOwner(site, async () => {
      await writeFile(temporary, text, { flag: 'wx' })
      try {
        // Unlike a rename it fails where there is one already.
        await link(temporary, list)
      } finally {
        await unlink(temporary)
      }
    })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    throw new OperationalError(verbWords.manifestThere(basename(list)), {
      code: 'EEXIST',
      path: list,
      hint: verbWords.manifestThereHint(list),
    })
  }
}

const making = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

async function copy(source: string, place: string, site: DepositSite): Promise<void> {
  const from = await open(source, foreignRead)
  try {
    const { mode } = await from.stat()
    await asOwner(site, async () => {
      mkdirSync(dirname(place), { recursive: true })
      // Whatever an older upload left there: never written through a link.
      rmSync(place, { force: true })
      const to = await open(place, making, mode & 0o777)
      await pipeline(from.createReadStream({ autoClose: false }), to.createWriteStream())
    })
  } finally {
    await from.close()
  }
}

/**
 * Does something as the owner of the deposit, where root does it: the files are to be his, and a link
 * that he has laid in the deposit must not lead root elsewhere.
 */
async function asOwner<T>({ paths }: DepositSite, what: () => Promise<T>): Promise<T> {
  const { uid, gid } = statSync(paths.deposit)
  if (process.geteuid?.() !== 0 || uid === 0) return what()
  process.setegid?.(gid)
  process.seteuid?.(uid)
  try {
    return await what()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

function refusal(message: string, path: string): OperationalError {
  return new OperationalError(message, { code: 'EDEPLOY', path })
}
