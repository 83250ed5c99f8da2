import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../config.ts'
import { OperationalError } from '../../errors.ts'
import type { ReleaseId } from '../../model.ts'
import { firstLine, gitWords, short } from '../../words-git.ts'
import { readBlobs, type Taker } from './blobs.ts'
import type { As, Git } from './call.ts'
import { modes } from './changes.ts'
import { blobsOf, type Incoming } from './judgement.ts'
import { foldersAbove, whiteoutFor } from './whiteouts.ts'

/**
 * Writes what a commit changes into the staging folder of a release, as the deposit would bring it: the files
 * as they lie in the repository, and a whiteout for what goes. They belong to the owner of the checkout.
 * Fails with `EGIT` when objects cannot be read.
 */
export async function stage(
  incoming: Pick<Incoming, 'put' | 'leaving'>,
  staging: string,
  git: Git,
  { owner }: As,
  { disk }: Site,
): Promise<void> {
  const { put } = incoming
  const whiteouts = incoming.leaving.map(whiteoutFor)
  const folders = new Set([...put.map(({ path }) => path), ...whiteouts].flatMap(foldersAbove))
  for (const folder of folders) disk.makeDir(join(staging, folder))
  for (const path of whiteouts) disk.touch(join(staging, path))
  const begin = (index: number): Taker => {
    const change = put[index]
    if (change === undefined) throw new Error('more objects than were asked for')
    const place = join(staging, change.path)
    if (change.mode === modes.link) return makeLink(place, owner)
    return writeFile(place, change.mode === modes.executable, owner)
  }
  if (!(await readBlobs(blobsOf(put), git, begin))) {
    throw new OperationalError(gitWords.missing, { code: 'EGIT', path: staging })
  }
  if (owner === null) return
  // The inner ones first, and only now: in a folder of his own a user could put a link in a file's place.
  const inward = [...folders].sort((one, other) => other.length - one.length)
  for (const folder of inward) disk.give(join(staging, folder), owner)
}

/** The contents are where it leads. */
function makeLink(place: string, owner: As['owner']): Taker {
  const pieces: Buffer[] = []
  return {
    piece(bytes) {
      pieces.push(Buffer.from(bytes))
    },
    end() {
      symlinkSync(Buffer.concat(pieces), place)
      if (owner !== null) lchownSync(place, owner.uid, owner.gid)
    },
  }
}

function writeFile(place: string, isExecutable: boolean, owner: As['owner']): Taker {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const file = openSync(place, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  return {
    piece(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      } catch (error) {
        closeSync(file)
        throw error
      }
    },
    end() {
      fchmodSync(file, isExecutable ? 0o755 : 0o644)
      if (owner !== null) fchownSync(file, owner.uid, owner.gid)
      closeSync(file)
    },
  }
}

/**
 * Keeps what was changed in main, files and index, as a commit that git stash understands. The answer is the
 * ref that leads to it, or null when nothing has to be kept. Fails with `EGIT`.
 */
export async function saveEdits(
  edited: readonly string[],
  id: ReleaseId,
  old: string,
  git: Git,
): Promise<string | null> {
  if (edited.length === 0) return null
  const somebody = ['-c', 'user.name=ota-supervisor', '-c', 'user.email=ota-supervisor@localhost']
  const made = await git([...somebody, 'stash', 'create', `before ${id}`])
  const ref = `refs/ota/saved/${id}-${short(old)}`
  const commit = made.out.trim()
  const kept = commit === '' ? made : await git(['update-ref', ref, commit])
  if (commit !== '' && kept.code === 0) return ref
  throw new OperationalError(gitWords.notSaved(firstLine(kept.err)), { code: 'EGIT' })
}
