import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { outputOf } from './launch.ts'
import type { Peer, Place, Running, Tree } from './peer.ts'
import { endProcesses, family, tagged, tagName } from './processes.ts'
import { copied } from './program.ts'
import { followReports, type Reports } from './reports.ts'

/** A peer at work on a program of its own. */
export type Post = {
  readonly peer: Peer
  readonly place: Place
  readonly running: Running
  readonly reports: Reports
  /** The peer's own processes, without the program's. */
  readonly processes: () => number[]
  /** Ends it and removes its folder. */
  readonly close: () => Promise<void>
}

/** Where all of a run of the bench takes place; what it starts and makes ends and goes with it. */
export type Stage = {
  /**
   * Starts a peer with the given program and waits until that is ready; rejects if it is not in time.
   * `isHurried`: many swaps will follow.
   */
  readonly open: (peer: Peer, files: Tree, isHurried: boolean) => Promise<Post>
  /** Makes an empty folder. */
  readonly folder: () => Promise<string>
  /** Ends whatever is left, by number, and removes all folders. */
  readonly close: () => Promise<void>
}

/** How long a peer may take to start a program: some look at 100,000 files first. */
const startMs = 180_000

/** Opens the stage, in a new folder for temporary files. */
export async function openStage(): Promise<Stage> {
  const root = await mkdtemp(join(tmpdir(), 'ota-bench-'))
  const run = randomUUID()
  const python = await outputOf('python3', ['-c', 'import sys; print(sys.executable)'])
  const env = environment(run, python)
  let count = 0

  async function folder(): Promise<string> {
    count += 1
    const dir = join(root, String(count))
    await mkdir(dir)
    return dir
  }

  return {
    folder,
    async open(peer, files, isHurried) {
      const dir = await folder()
      const path = join(dir, 'reports')
      const own = { ...env, BENCH_REPORTS: path }
      const place = { dir, main: join(dir, 'main'), python, isHurried, env: own }
      await copied(files, place.main)
      const reports = followReports(path)
      const running = await peer.start(place)
      const isReady = await reports.until((all) => all.at(-1)?.what === 'ready', startMs)
      if (!isReady) throw new Error(`${peer.name} did not start the program in ${startMs / 1000} s`)
      return {
        peer,
        place,
        running,
        reports,
        processes() {
          const programs = new Set(reports.all().map(({ pid }) => pid))
          return family(running.roots(), programs)
        },
        async close() {
          await running.stop()
          reports.close()
          await rm(dir, { recursive: true, force: true })
        },
      }
    },
    async close() {
      for (let left = tagged(run); left.length > 0; left = tagged(run)) {
        await endProcesses(left, 'SIGKILL')
      }
      await rm(root, { recursive: true, force: true })
    },
  }
}

/**
 * The environment of everything that is started: a developer's own settings must not decide a
 * measurement, and `python3` is the same interpreter for all, also where PATH has a slow shim for it. What
 * ota-supervisor sets for a program is set for all: without it Python keeps back what it prints.
 */
function environment(run: string, python: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(PYTHON|PIP_|GIT_|NODE_|npm_)/.test(name),
  )
  const path = `${dirname(python)}${delimiter}${process.env['PATH'] ?? ''}`
  return { ...Object.fromEntries(own), PATH: path, PYTHONUNBUFFERED: '1', [tagName]: run }
}
