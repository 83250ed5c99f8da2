import { join, resolve } from 'node:path'
import type { Site } from '../config.ts'
import { isExpected, messageOf, OperationalError } from '../errors.ts'
import type { Clock, Log, ReleaseId } from '../model.ts'
import { withoutPassword } from '../phrases.ts'
import { packageWords } from '../words-packages.ts'
import { releaseWords } from '../words-release.ts'
import { addressOf, type Commits, namesOf, type Wish } from './dependencies.ts'
import {
  dropEnvironment,
  type Environment,
  makeEnvironment,
  readEnvironment,
  readEnvironments,
  sweepEnvironments,
} from './environment.ts'
import { askInterpreter, type Interpreter } from './interpreter.ts'
import { askCommits, dropOldCommits, oddIn, readCommits } from './sources.ts'
import { neededBy, readUses, surplus } from './uses.ts'
import { type Behalf, endInstalls, openWorker, type Worker } from './worker.ts'

/** An install under way, for people who wait for it. */
export type Installing = {
  /** The file of main that asked for it, and its packages. */
  readonly from: string
  readonly packages: readonly string[]
  /** When it began, by the wall clock. */
  readonly since: Date
  /** What pip or git said last. */
  readonly doing: string
}

/** What the program is started with. */
export type InUse = {
  readonly python: Interpreter
  /** The virtual environment, absolute; null for the bare interpreter. */
  readonly folder: string | null
  /** Its address, if it is one of ours. */
  readonly address: string | null
}

/** The packages of a project: its environments, made one at a time, and the one in use. */
export type Packages = {
  /** What the program is started with. */
  readonly inUse: () => InUse
  /** What main asks for instead, and was not there. */
  readonly lacking: () => Wish | null
  /** Says what the next start is with; `lacking`: it only stands in for that. */
  readonly use: (next: InUse, lacking: Wish | null) => void
  /** What `[python] venv` names, or null when there is no such setting; fails with `EVENV`. */
  readonly given: () => Promise<InUse | null>
  /** The environment of a wish, if it is there. Takes less than a millisecond. */
  readonly find: (wish: Wish) => Promise<Environment | null>
  /**
   * Makes the environment of a wish, which may take minutes; asked twice for the same it makes it once.
   * Fails as `makeEnvironment` does. What people should know of it is told.
   */
  readonly make: (wish: Wish, tell: (text: string) => void) => Promise<Environment>
  readonly installing: () => Installing | null
  /** As whom packages are installed, and releases checked. */
  readonly behalf: Behalf
  /**
   * Removes the environments that nobody needs, as far as there are too many. `oldest` is the oldest
   * release that may still be gone back from.
   */
  readonly collect: (oldest: ReleaseId | null) => Promise<void>
}

/** An install under way; it begins when the one before it has ended. */
type Making = {
  readonly digest: string
  readonly made: Promise<Environment>
  readonly now: () => Installing
}

/** `behalf`: as whom packages are installed; `end` ends what is under way. */
export function openPackages(
  base: Interpreter,
  behalf: Behalf,
  site: Site,
  clock: Clock,
  end: AbortSignal,
  log?: Log,
): Packages {
  const { disk, paths } = site
  let inUse: InUse = { python: base, folder: null, address: null }
  let lacking: Wish | null = null
  let making: Making | null = null
  /** What was asked for last: it may be needed before it is in use. */
  let wanted: string | null = null
  /** By their paths: it takes some ten milliseconds to ask one. */
  const venvs = new Map<string, Interpreter>()

  function addressFor(wish: Wish, commits: Commits): string {
    const address = addressOf(wish, commits, base, paths.environments, site.config.python)
    wanted = address
    return address
  }

  async function find(wish: Wish): Promise<Environment | null> {
    const commits = await readCommits(wish, site)
    return commits === null ? null : readEnvironment(addressFor(wish, commits), base, site)
  }

  async function begin(
    wish: Wish,
    tell: (text: string) => void,
    worker: Worker,
  ): Promise<Environment> {
    const commits = (await readCommits(wish, site)) ?? (await askCommits(wish, worker, site, tell))
    const address = addressFor(wish, commits)
    const there = await readEnvironment(address, base, site)
    if (there !== null) return there
    await makeRoom()
    tell(packageWords.installing(wish.from, namesOf(wish)))
    const began = clock.now()
    const over = new AbortController()
    const progress = tellProgress(began, worker, over.signal)
    try {
      const about = { address, base, behalf, at: clock.wall() }
      const made = await makeEnvironment(wish, commits, about, worker, site)
      for (const text of oddIn(wish, made)) tell(text)
      tell(packageWords.installed(made.packages.length, made.bytes, clock.now() - began))
      return made
    } finally {
      over.abort()
      await progress
    }
  }

  async function tellProgress(began: number, worker: Worker, over: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(site.config.python.progressMs, over)
      if (over.aborted) return
      log?.info(
        packageWords.stillInstalling(clock.now() - began, withoutPassword(worker.lastLine())),
      )
    }
  }

  /** Free space first: an install that fills the disk would take it from the program. */
  async function makeRoom(): Promise<void> {
    const needed = site.config.python.minFreeBytes
    disk.makeDir(paths.environments)
    if (disk.freeBytes(paths.environments) < needed) await collect(null, 0)
    const free = disk.freeBytes(paths.environments)
    if (free >= needed) return
    throw new OperationalError(releaseWords.tooLittleSpace(free, needed), {
      code: 'ENOSPC',
      path: paths.environments,
    })
  }

  async function collect(oldest: ReleaseId | null, budget: number): Promise<void> {
    const all = await readEnvironments(site)
    const needed = new Set(neededBy(await readUses(site), oldest))
    if (wanted !== null) needed.add(wanted)
    if (inUse.address !== null) needed.add(inUse.address)
    const gone = surplus(all, needed, budget)
    for (const address of gone) await dropEnvironment(address, site)
    dropOldCommits(site)
    if (gone.length > 0) log?.info(packageWords.collected(gone.length))
  }

  return {
    inUse: () => inUse,
    lacking: () => lacking,
    use(next, instead) {
      inUse = next
      lacking = instead
    },
    async given() {
      const { venv } = site.config.python
      if (venv === '') return null
      const folder = resolve(paths.project, venv)
      const path = join(folder, 'bin', 'python')
      const found = venvs.get(path) ?? (await askInterpreter(path, behalf.asUser))
      if (!('path' in found)) {
        const hint = packageWords.noVenvHint
        throw new OperationalError(packageWords.noVenv(path, found.why), {
          code: 'EVENV',
          path,
          hint,
        })
      }
      venvs.set(path, found)
      return { python: found, folder, address: null }
    },
    find,
    make(wish, tell) {
      if (making?.digest === wish.digest) return making.made
      const worker = openWorker(behalf, site, end)
      const since = clock.wall()
      const before = making?.made.catch(() => undefined)
      const made = (async () => {
        await before
        try {
          return await begin(wish, tell, worker)
        } finally {
          if (making?.digest === wish.digest) making = null
        }
      })()
      making = {
        digest: wish.digest,
        made,
        now: () => ({
          from: wish.from,
          packages: namesOf(wish),
          since,
          doing: withoutPassword(worker.lastLine()),
        }),
      }
      return made
    },
    behalf,
    installing: () => making?.now() ?? null,
    collect: (oldest) => collect(oldest, site.config.python.keepBytes),
  }
}

/**
 * Ends and removes what a daemon that was killed has left half-made. To be called before anything is
 * made.
 */
export async function sweepPackages(site: Site, log: Log): Promise<void> {
  if (site.disk.kind(site.paths.environments) === null) return
  try {
    const ended = await endInstalls(site)
    const swept = await sweepEnvironments(site)
    if (ended + swept > 0) log.warn(packageWords.sweptEnvironments)
  } catch (error) {
    // What is left has no mark, so nobody takes it for whole; and the program is to be started.
    if (!isExpected(error)) throw error
    log.warn(packageWords.notCollected(messageOf(error)))
  }
}
