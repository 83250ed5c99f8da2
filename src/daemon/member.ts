import { pathsOf, type Site } from '../config.ts'
import type { Listed } from '../config-projects.ts'
import type { Wish } from '../control/api.ts'
import type { Reply } from '../control/desk.ts'
import type { NotOpen, Summary } from '../control/overview.ts'
import type { Status } from '../control/status.ts'
import { hintOf, isExpected, messageOf, OperationalError, withHint } from '../errors.ts'
import type { Log } from '../model.ts'
import { hintText } from '../phrases.ts'
import { notStarted } from '../program/life.ts'
import type { Answer } from '../project/orders.ts'
import { within } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { traceOf } from '../system/trace.ts'
import { lastCommitted, readHistory } from '../update/history.ts'
import { words } from '../words.ts'
import { projectWords } from '../words-projects.ts'
import { openProject, type Prepared, type Project, prepare, type Shared } from './project.ts'
import type { Reading } from './self.ts'

/** One of the many projects of a daemon, whether it can be opened just now or not. */
export type Member = {
  readonly name: string
  /** Its settings here are those in force. */
  readonly listed: Listed
  /** How its program stands, whether it is open or not. */
  readonly reading: () => Reading
  readonly summary: () => Summary
  readonly status: () => Promise<Status | NotOpen>
  /** What runs, for the beginning of a log file. */
  readonly runs: () => string
  /** True once its program was started, or cannot be yet. */
  readonly isAttempted: () => boolean
  readonly ask: (wish: Wish) => Promise<Reply>
  /** Takes note of new settings; one that could not be opened is tried again now. */
  readonly wake: () => void
  /** Ends it in order. */
  readonly close: () => Promise<void>
}

/** What a member has from the daemon of many. */
export type Parental = {
  /** The directory of the settings, absolute. */
  readonly directory: string
  /** One that could not be opened is tried again after this. */
  readonly retryMs: () => number
  readonly reload: () => Promise<Answer>
  readonly shared: Shared
}

/** Why it does not run, and the way out. */
type Trouble = { readonly trouble: string; readonly hint?: string }

type State =
  | { readonly is: 'opening' }
  | ({ readonly is: 'not open' } & Trouble)
  | { readonly is: 'open'; readonly project: Project }

/** Opens a project, again and again until that can be, and runs it until it is closed. Whatever happens stays in it. */
export function openMember(listed: Listed, log: Log, parental: Parental): Member {
  const { name, directory } = listed
  const end = new AbortController()
  let state: State = { is: 'opening' }
  let wakeUp: () => void = () => undefined
  let hasTried: () => void = () => undefined
  /** Resolves when it has been opened, or could not be, for the first time. */
  const tried = new Promise<void>((resolve) => {
    hasTried = resolve
  })

  async function keep(): Promise<void> {
    while (!end.signal.aborted) {
      const met = await runOnce()
      if (end.signal.aborted) return
      const text = projectWords.notOpen(met.trouble) + hintText(met.hint)
      if (state.is !== 'not open' || state.trouble !== met.trouble) log.error(text)
      state = { is: 'not open', ...met }
      hasTried()
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve
      })
      await within(woken, end.signal, parental.retryMs())
    }
  }

  /** Opens it and runs it to its end; or tells why it cannot. */
  async function runOnce(): Promise<Trouble> {
    let prepared: Prepared | null = null
    // What was begun by one try must not go on behind the next.
    const over = new AbortController()
    const stop = () => over.abort()
    end.signal.addEventListener('abort', stop)
    try {
      prepared = await prepareSite(listed, parental)
      await tell(prepared.site, prepared.python.version, log)
      const opening = { log, end: over.signal, reload: parental.reload }
      const project = await openProject(prepared, opening, parental.shared)
      state = { is: 'open', project }
      hasTried()
      void leaveWhenGone(over)
      await project.run()
      if (!isThere(directory)) throw noDirectory(directory)
      return { trouble: projectWords.hasEnded }
    } catch (error) {
      if (!isExpected(error)) log.error(words.bug(traceOf(error)))
      return { trouble: messageOf(error), ...withHint(hintOf(error)) }
    } finally {
      end.signal.removeEventListener('abort', stop)
      over.abort()
      prepared?.lock.release()
    }
  }

  /** Ends the project when its folder is gone, and with it all that could be done. */
  async function leaveWhenGone(over: AbortController): Promise<void> {
    while (!over.signal.aborted) {
      await parental.shared.clock.sleep(parental.retryMs(), over.signal)
      if (!isThere(directory)) over.abort()
    }
  }

  const over = keep()
  function notOpen(): NotOpen {
    if (state.is !== 'not open') return { project: directory, trouble: projectWords.opening }
    return { project: directory, trouble: state.trouble, ...withHint(state.hint) }
  }
  return {
    name,
    listed,
    reading: () => {
      const reading = state.is === 'open' ? state.project.reading : () => notStarted
      return { site: siteOf(listed, parental), reading }
    },
    summary() {
      const is = state.is === 'open' ? state.project.reading().state.is : null
      return { name, directory, state: is, trouble: is === null ? notOpen().trouble : null }
    },
    status: async () => (state.is === 'open' ? state.project.status() : notOpen()),
    runs: () =>
      state.is === 'open'
        ? words.runs(state.project.reading())
        : projectWords.notOpen(notOpen().trouble),
    isAttempted: () =>
      state.is === 'not open' || (state.is === 'open' && state.project.isAttempted()),
    async ask(wish) {
      if (state.is === 'opening') await within(tried, end.signal)
      if (state.is === 'open') return state.project.desk(wish)
      if (wish.is === 'reload') return parental.reload()
      const { trouble, hint } = notOpen()
      return { is: 'refused', why: projectWords.notOpen(trouble), ...withHint(hint) }
    },
    wake() {
      if (state.is === 'open') state.project.wake()
      wakeUp()
    },
    async close() {
      end.abort()
      await over
    },
  }
}

async function prepareSite({ directory, config }: Listed, parental: Parental): Promise<Prepared> {
  // It is not made: it may be on a disk that is not mounted yet.
  if (!isThere(directory)) throw noDirectory(directory)
  return prepare(siteOf({ directory, config }, parental), parental.directory, parental.shared)
}

function siteOf(
  { directory, config }: Pick<Listed, 'directory' | 'config'>,
  parental: Parental,
): Site {
  // What is of these names in the project itself is its own: it may be content of its repository.
  const { settings, logs } = pathsOf(parental.directory)
  const paths = { ...pathsOf(directory, config.folders), settings, logs }
  return { paths, config, disk }
}

function isThere(directory: string): boolean {
  // With the dot a link is followed.
  return disk.kind(`${directory}/.`) === 'dir'
}

function noDirectory(directory: string): OperationalError {
  return new OperationalError(projectWords.noDirectory(directory), {
    code: 'ENOENT',
    path: directory,
    hint: projectWords.noDirectoryHint,
  })
}

/** What people want to know of it before it runs. */
async function tell({ paths, ...site }: Site, python: string, log: Log): Promise<void> {
  const release = lastCommitted(await readHistory({ paths, ...site }))
  log.info(`${projectWords.opens(paths.project, python)}\n${words.mainHolds(release)}`)
  const { settings } = pathsOf(paths.project)
  if (disk.kind(settings) !== null) log.warn(projectWords.ownSettings(settings))
}
