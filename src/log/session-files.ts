import { basename, join } from 'node:path'
import { ensureDirSync } from 'fs-extra/esm'
import type { Config } from '../config.ts'
import { isExpected, isOutOfSpace, messageOf, OperationalError } from '../errors.ts'
import type { Clock } from '../model.ts'
import { words } from '../words.ts'
import { fullSize, keepBudget, shortSize } from './budget.ts'
import { type LogFile, listLogs } from './folder.ts'
import { type LogName, logName } from './names.ts'
import type { Outlet } from './outlet.ts'
import { openPart, type Part } from './part.ts'

/** The files of one session as an outlet: one is ended and the next begun, and the budget kept. */
export type SessionFiles = Outlet & {
  /** The number of this session, from 1. */
  readonly session: number
  /** The newest file of the session before, where there is one. */
  readonly before: LogFile | undefined
  /** Opens the first file; its absolute path, or null when none can be opened. That is told. */
  readonly begin: () => string | null
  /** The file that is written now, absolute; null while there is none. */
  readonly path: () => string | null
}

/** What the files of a session need. */
export type SessionNeeds = {
  /** The folder, absolute. It is made when it is missing, also later. */
  readonly dir: string
  readonly limits: () => Config['log']
  readonly clock: Clock
  /** How a file that goes on from the file named `after` begins: whole lines. */
  readonly head: (session: number, part: number, after: string) => string
  /** Hears what is deleted, and what goes wrong. */
  readonly tell: (level: 'info' | 'warn', text: string) => void
}

/** `none`: no file can be opened just now; each write tries it again. */
type State =
  | { readonly is: 'open'; readonly part: Part }
  | { readonly is: 'none' }
  | { readonly is: 'closed' }

/** The files of a session that begins now. Nothing is opened before `begin`. */
export function openSessionFiles(needs: SessionNeeds): SessionFiles {
  const { dir, limits, clock } = needs
  /** The sessions of the files in the folder, by name. */
  const known = new Map<string, number>()
  const found = filesIn(dir, known)
  const session = 1 + Math.max(0, ...found.map((file) => file.session))
  let name = firstName(found, clock.wall())
  let state: State = { is: 'none' }
  /** The name of the file before the next one. */
  let after = ''
  let maxBytes = fullSize(limits())
  /** When it is looked again whether all is well, and when a next file is tried, by `clock.now`. */
  let lookAt = 0
  let turnAt = 0
  let told = ''

  /** What goes wrong goes wrong again and again; once is enough. */
  function tellOnce(text: string): void {
    if (text !== told) needs.tell('warn', text)
    told = text
  }

  function openNext(): Part {
    ensureDirSync(dir)
    for (;;) {
      const head = after === '' ? '' : needs.head(session, name.part, after)
      const part = openPart(join(dir, logName(name)), head)
      if (part !== null) {
        after = logName(name)
        name = { ...name, part: name.part + 1 }
        return part
      }
      name = after === '' ? { ...name, again: name.again + 1 } : { ...name, part: name.part + 1 }
    }
  }

  function open(): Part {
    const part = openNext()
    state = { is: 'open', part }
    told = ''
    keepWithin(part)
    return part
  }

  /** Ends a file and begins the next. If that cannot be, it goes on in the old one. */
  function turn(old: Part): Part {
    try {
      const next = open()
      old.close()
      return next
    } catch (error) {
      if (!isExpected(error)) throw error
      turnAt = clock.now() + limits().retryMs
      tellOnce(words.noNextLogFile(old.path, messageOf(error)))
      return old
    }
  }

  /** Deletes what is too much. */
  function keepWithin(part: Part, urgentBytes = 0): void {
    lookAt = clock.now() + limits().checkMs
    const kept = keepBudget(dir, basename(part.path), limits(), known, urgentBytes)
    maxBytes = kept.isShort ? shortSize(limits()) : fullSize(limits())
    if (kept.deleted.length > 0) needs.tell('info', words.logsDeleted(kept.deleted))
    if (kept.trouble !== null) tellOnce(words.logsNotDeleted(dir, kept.trouble))
  }

  /** Now and then, not for each line: is the file still there, and is there space? */
  function look(part: Part): Part {
    if (clock.now() < lookAt) return part
    if (part.isThere()) {
      keepWithin(part)
      return part
    }
    part.close()
    state = { is: 'none' }
    const next = open()
    needs.tell('warn', words.logFileGone(part.path))
    return next
  }

  function current(): Part {
    if (state.is === 'closed') throw new OperationalError('the log is closed', { code: 'EBADF' })
    return state.is === 'open' ? state.part : open()
  }

  async function put(part: Part, lines: Buffer): Promise<number> {
    const written = await part.write(lines, clock.now() < turnAt ? Infinity : maxBytes)
    if (written > 0) return written
    const next = turn(part)
    return next.write(lines, next === part ? Infinity : maxBytes)
  }

  return {
    session,
    before: found.at(-1),
    begin() {
      try {
        return open().path
      } catch (error) {
        if (!isExpected(error)) throw error
        tellOnce(words.noLogFile(dir, messageOf(error)))
        return null
      }
    },
    path: () => (state.is === 'open' ? state.part.path : null),
    async write(lines) {
      try {
        return await put(look(current()), lines)
      } catch (error) {
        if (!isOutOfSpace(error)) throw error
        keepWithin(current(), lines.length)
        return put(current(), lines)
      }
    },
    close() {
      if (state.is === 'open') state.part.close()
      state = { is: 'closed' }
    },
  }
}

function filesIn(dir: string, known: Map<string, number>): LogFile[] {
  try {
    return listLogs(dir, known)
  } catch (error) {
    // It cannot be read: opening a file in it will fail too, and tell.
    if (!isExpected(error)) throw error
    return []
  }
}

/** A name that no session has used, not even one whose first file has been deleted. */
function firstName(found: readonly LogFile[], at: Date): LogName {
  const second = Math.floor(at.getTime() / 1_000)
  const sameSecond = found.filter((file) => Math.floor(file.at.getTime() / 1_000) === second)
  return { at, again: 1 + Math.max(0, ...sameSecond.map(({ again }) => again)), part: 1 }
}
