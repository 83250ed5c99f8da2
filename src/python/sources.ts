import { join } from 'node:path'
import type { Site } from '../config.ts'
import { OperationalError } from '../errors.ts'
import { withoutPassword } from '../phrases.ts'
import { packageWords } from '../words-packages.ts'
import { type Commits, sourcesOf, type Wish } from './dependencies.ts'
import type { Environment } from './environment.ts'
import type { GupLine } from './gupfile.ts'
import { failureOf, hintFor } from './pip.ts'
import type { Worker } from './worker.ts'

/**
 * What the sources of a gupfile came to when it was first seen, `.supervisor/environments/DIGEST.commits.json`:
 * so that the same gupfile has the same environment tomorrow, also when a tag or branch has moved, or
 * the network is gone.
 */
function fileOf({ digest }: Wish, { paths }: Site): string {
  return join(paths.environments, `${digest}.commits.json`)
}

/** More than the gupfiles that can be gone back to. */
const maxRecords = 200

/** Forgets what the oldest gupfiles came to. */
export function dropOldCommits({ disk, paths }: Site): void {
  const records = disk.list(paths.environments).filter((name) => name.endsWith('.commits.json'))
  if (records.length <= maxRecords) return
  const aged = records
    .map((name) => join(paths.environments, name))
    .map((path) => ({ path, at: disk.changedAt(path) ?? 0 }))
    .toSorted((one, other) => other.at - one.at)
  for (const { path } of aged.slice(maxRecords)) disk.unlink(path)
}

/** The commits of a wish, without asking anybody; null when they have to be asked for. */
export async function readCommits(wish: Wish, site: Site): Promise<Commits | null> {
  const sources = sourcesOf(wish)
  if (sources.length === 0) return {}
  try {
    const commits = JSON.parse((await site.disk.readText(fileOf(wish, site))) ?? '') as Commits
    return sources.every(({ name }) => isCommit(commits[name])) ? commits : null
  } catch {
    return null
  }
}

/**
 * Asks the sources, and keeps their answers. Fails with `ENETWORK` when one cannot be reached, and with
 * `EPACKAGES` when it does not know the version.
 */
export async function askCommits(
  wish: Wish,
  worker: Worker,
  site: Site,
  tell: (text: string) => void,
): Promise<Commits> {
  const commits: Record<string, string> = {}
  const ms = site.config.python.gitMs
  const git: Git = async (args) => {
    const done = await worker.run(['git', ...args], '/', ms)
    return done.isLate ? { ...done, output: packageWords.gitLate(ms) } : done
  }
  for (const line of sourcesOf(wish)) {
    const { commit, warning } = await findCommit(line, git)
    commits[line.name] = commit
    if (warning !== null) tell(warning)
  }
  site.disk.makeDir(site.paths.environments)
  await site.disk.writeRecord(fileOf(wish, site), commits)
  return commits
}

/** What is odd about what the sources brought: a version that is not that of its tag. */
export function oddIn(wish: Wish, { packages }: Environment): string[] {
  return sourcesOf(wish).flatMap(({ name, version }) => {
    const wanted = version.replace(/^v/, '')
    const got = packages.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1)
    const isVersion = /^\d+(\.\d+)+$/.test(wanted)
    return isVersion && got !== undefined && got !== wanted
      ? [packageWords.otherVersion(name, version, got)]
      : []
  })
}

function isCommit(text: string | undefined): boolean {
  return /^[0-9a-f]{40}$/.test(text ?? '')
}

type Git = (args: readonly string[]) => Promise<{
  readonly exitCode: number | undefined
  readonly isLate: boolean
  readonly output: string
}>

type Found = { readonly commit: string; readonly warning: string | null }

/** Which commit a version is: a tag of that name, with or without a `v`, else a branch. */
async function findCommit(line: GupLine & { readonly source: string }, git: Git): Promise<Found> {
  const { version, source, name } = line
  if (isCommit(version)) return { commit: version, warning: null }
  const other = version.startsWith('v') ? version.slice(1) : `v${version}`
  const tags = [version, other].flatMap((tag) => [`refs/tags/${tag}`, `refs/tags/${tag}^{}`])
  const url = source.slice('git+'.length)
  const { exitCode, isLate, output } = await git([
    'ls-remote',
    '--',
    url,
    ...tags,
    `refs/heads/${version}`,
  ])
  if (exitCode !== 0) {
    const { lines, means: found } = failureOf(withoutPassword(output))
    const means = isLate ? 'network' : found
    throw new OperationalError(packageWords.sourceFailed(name, withoutPassword(source), lines), {
      code: means === 'network' ? 'ENETWORK' : 'EPACKAGES',
      ...hintFor(means),
    })
  }
  const commits = chosen(output, version, other)
  if (commits !== null) return commits
  throw new OperationalError(
    packageWords.sourceUnknown(line.line, withoutPassword(source), version),
    {
      code: 'EPACKAGES',
    },
  )
}

/** What an answer of `git ls-remote` comes to: the tag as it is written counts, then that with or without a `v`. */
function chosen(answer: string, version: string, other: string): Found | null {
  const commits = new Map<string, string>()
  for (const row of answer.split('\n')) {
    const [, commit = '', ref = ''] = /^([0-9a-f]{40,64})\t(\S+)$/.exec(row.trim()) ?? []
    commits.set(ref, commit)
  }
  // A tag that is an object of its own: `^{}` is the commit it stands for (git-ls-remote(1)).
  const tag = (of: string) => commits.get(`refs/tags/${of}^{}`) ?? commits.get(`refs/tags/${of}`)
  const [exact, similar] = [tag(version), tag(other)]
  const commit = exact ?? similar ?? commits.get(`refs/heads/${version}`)
  if (commit === undefined) return null
  const isUnclear = exact !== undefined && similar !== undefined && exact !== similar
  return { commit, warning: isUnclear ? packageWords.sourceTwoTags(version, other) : null }
}
