import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { defaults } from '../config.ts'
import { isExpected, messageOf } from '../errors.ts'
import { findInterpreter } from '../python/interpreter.ts'
import { unpackArchive } from '../python/unpack.ts'
import { command } from '../system/command.ts'
import { disk } from '../system/disk.ts'
import { selfWords } from '../words-self.ts'
import type { Means } from './around.ts'
import type { Newest, Trouble } from './candidate.ts'
import { type Shelf, shelfAt } from './shelf.ts'
import { compareVersions, isVersion } from './version.ts'

/** The list of what lies in a folder of packages, as `sha256sum *.tgz` prints it. */
const listName = 'SHA256SUMS'

/** A longer list is a mistake. */
const maxListBytes = 1_000_000

/** Reads the list of a folder of packages, and which is the newest. */
export async function newestPackage(means: Means): Promise<Newest> {
  const { site, end } = means
  const { from, deadlineMs } = site.config.selfUpdate
  const shelf = shelfAt(from, site.paths.project, deadlineMs, end)
  try {
    const list = await shelf.read(listName, maxListBytes)
    const unsigned = await signatureTrouble(list, shelf, means)
    if (unsigned !== null) return { is: 'waits', ...unsigned }
    const newest = newestIn(list.toString('utf8'))
    if (newest === null) return { is: 'waits', why: selfWords.noPackage(shelf.of(listName)) }
    const { version, name } = newest
    const fetch = (into: string) => unpack(newest, shelf, into, means)
    return { is: 'newest', candidate: { version, node: null, of: shelf.of(name), fetch } }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { is: 'failed', why: messageOf(error) }
  }
}

type Package = { readonly version: string; readonly name: string; readonly sum: string }

/** The highest version in a list; its packages have the names that `npm pack` gives them. */
export function newestIn(list: string): Package | null {
  const all = list.split('\n').flatMap((line): Package[] => {
    const found = /^([0-9a-f]{64}) [ *](?:\.\/)?(ota-supervisor-(.+)\.tgz)\r?$/i.exec(line)
    const [, sum = '', name = '', version] = found ?? []
    return isVersion(version) ? [{ version, name, sum: sum.toLowerCase() }] : []
  })
  return all.toSorted((one, other) => compareVersions(other.version, one.version))[0] ?? null
}

/**
 * The list is signed as a whole: `ssh-keygen -Y sign -n file -f KEY SHA256SUMS`. The sums in it then speak for the
 * packages.
 */
async function signatureTrouble(
  list: Buffer,
  shelf: Shelf,
  { site }: Means,
): Promise<Trouble | null> {
  const { allowedSigners } = site.config.selfUpdate
  if (allowedSigners === '') return null
  const signers = resolve(site.paths.project, allowedSigners)
  const signature = join(site.paths.own, 'self-update.sig')
  disk.makeDir(site.paths.own)
  await writeFile(signature, await shelf.read(`${listName}.sig`, 64_000))
  try {
    const signed = ['-f', signers, '-s', signature]
    const who = await command('ssh-keygen', ['-Y', 'find-principals', ...signed])
    const [name = ''] = who.exitCode === 0 ? who.stdout.split('\n') : []
    const asked = ['-Y', 'verify', ...signed, '-n', 'file', '-I', name]
    const done = await command('ssh-keygen', asked, { input: Readable.from([list]) })
    return name !== '' && done.exitCode === 0
      ? null
      : { why: selfWords.unsigned(listName, who.output) }
  } finally {
    disk.unlink(signature)
  }
}

async function unpack(
  { name, sum }: Package,
  shelf: Shelf,
  into: string,
  { site, end }: Means,
): Promise<Trouble | null> {
  const { program, selfUpdate } = site.config
  const packed = await shelf.read(name, selfUpdate.maxPackedBytes)
  if (createHash('sha256').update(packed).digest('hex') !== sum) {
    return { why: selfWords.wrongSum(shelf.of(name)) }
  }
  const archive = `${into}.tgz`
  const unpacked = `${into}.unpacked`
  try {
    await writeFile(archive, packed)
    await disk.removeTree(unpacked)
    disk.makeDir(unpacked)
    const python = await findInterpreter(program.python, site.paths.project)
    // Whatever the settings allow the releases of a program.
    const limits = { ...defaults.verify, maxBytes: selfUpdate.maxBytes }
    const found = await unpackArchive(archive, unpacked, limits, python, end)
    if ('broken' in found) return { why: selfWords.notUnpacked(name, found.broken) }
    if ('refused' in found) return { why: selfWords.notUnpacked(name, found.refused) }
    // As npm packs it: all is in one folder.
    if (disk.kind(join(unpacked, 'package')) !== 'dir') return { why: selfWords.notUs(name) }
    disk.removeEmptyDir(into)
    disk.rename(join(unpacked, 'package'), into)
    return null
  } finally {
    disk.unlink(archive)
    await disk.removeTree(unpacked)
  }
}
