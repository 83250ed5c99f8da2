import { randomUUID } from 'node:crypto'
import { closeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { Config, Site } from '../config.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Log, ProcessEnd, ReleaseId } from '../model.ts'
import { within } from '../system/clock.ts'
import { command } from '../system/command.ts'
import { exitOf, pipedGroup } from '../system/job.ts'
import { gathered, type Pipe, type Pipes, widening } from '../system/pipes.ts'
import { type Process, searchTag } from '../system/processes.ts'
import { words } from '../words.ts'
import { type Identity, identityArguments } from './identity.ts'
import { lastWordsIn, openTail } from './last-words.ts'
import { lines } from './lines.ts'
import type { AsProgram } from './probe.ts'
import { tagName, writeRecord } from './record.ts'

/** One process of the program, from its start to its last line. */
export type Run = {
  readonly runId: string
  readonly pid: number
  /** Resolves when the leader has ended. What it left behind may still live. */
  readonly exit: Promise<ProcessEnd>
  /**
   * Resolves when all output is logged. To be called when nobody is left; pipes that somebody still
   * holds open are cut after `drainMs` in which the log had room.
   */
  readonly drained: () => Promise<void>
  /** What it said last on stderr, in one line, once all of it is read; null: nothing. */
  readonly lastWords: () => Promise<string | null>
  /** Looks for the living processes that carry its tag: wherever they are, they are the program's. */
  readonly tagged: () => readonly Process[]
  /** Another command in the same place: its folder, its environment, its tag. */
  readonly asProgram: AsProgram
}

/** How the program is started. */
export type Launch = {
  /**
   * The interpreter, absolute, and the virtual environment it is of, if it is of one. Asked for at each
   * start: a release may bring another.
   */
  readonly inUse: () => {
    readonly python: { readonly path: string }
    readonly folder: string | null
  }
  /** `setpriv`, absolute, where there is one: the program then dies with the daemon. */
  readonly setpriv: string | null
  /** Who it runs as; null: as the daemon does. */
  readonly identity: Identity | null
  /** Two at a time, for what it prints. */
  readonly pipes: Pipes
}

/** Starts `python main.py`, in main or where the settings say. Never throws: what cannot be started has ended already. */
export async function startRun(
  launch: Launch,
  release: ReleaseId,
  site: Site,
  log: Log,
): Promise<Run> {
  const { paths, config } = site
  const runId = randomUUID()
  /** On a full disk the program runs without a record; it still dies with the daemon. */
  function note(pid: number | null): void {
    try {
      writeRecord(paths.runRecord, runId, pid)
    } catch (error) {
      log.warn(words.noRunRecord(paths.runRecord, messageOf(error)))
    }
  }
  const cwd = resolve(paths.main, config.program.cwd)
  const asProgram = placeOf(runId, release, launch, site)
  const unstartable = (why: string) => neverStarted(runId, asProgram, why)
  // Else the system would say that there is no Python. With the dot a link is followed.
  if (site.disk.kind(`${cwd}/.`) !== 'dir') return unstartable(words.noWorkingFolder(cwd))
  note(null)
  const { entry, args } = config.program
  const script = cwd === paths.main ? entry : join(paths.main, entry)
  const { argv, env } = asProgram([launch.inUse().python.path, script, ...args])
  const [file = '', ...rest] = argv
  const pipes = await launch.pipes.take()
  const [out, err] = pipes ?? []
  // Where there are no pipes: sockets of Node's.
  const into = { stdout: toDescriptor(out), stderr: toDescriptor(err) }
  const child = execa(file, rest, { ...pipedGroup, ...into, cwd, env, stdin: 'ignore' })
  // Its promise waits for the pipes, which a grandchild may hold open for ever: 'exit' does not.
  child.catch(() => undefined)
  const streams = { out: out?.read ?? child.stdout, err: err?.read ?? child.stderr }
  for (const { write } of pipes ?? []) closeSync(write)
  const { pid } = child
  if (pid === undefined) {
    for (const { read } of pipes ?? []) read.destroy()
    return unstartable((await child).shortMessage ?? 'no process')
  }
  const exit = exitOf(child)
  note(pid)
  const tail = openTail()
  // As the program: its Python is not for the daemon, which may be root.
  const widener = asProgram([launch.inUse().python.path, ...widening])
  const toLog = (stream: 'out' | 'err') => ({ release, stream, config, log })
  const pumps = [
    pump(streams.out, () => widen(out, widener), toLog('out')),
    pump(streams.err, () => widen(err, widener), toLog('err'), tail.add),
  ]
  return {
    runId,
    pid,
    exit,
    tagged: searchTag(tagName, runId),
    asProgram,
    async lastWords() {
      await Promise.all(pumps)
      return lastWordsIn(tail.text(), paths.main)
    },
    async drained() {
      const all = Promise.all(pumps)
      const never = new AbortController().signal
      // A log without room is not somebody who holds a pipe: it is waited for, and it has its own limit.
      await log.room()
      if ((await within(all, never, config.program.drainMs)).is === 'done') return
      streams.out.destroy()
      streams.err.destroy()
      await all
    },
  }
}

/** What execa is told of a pipe. Its types know the descriptors up to 2 only; any that is open will do. */
function toDescriptor(pipe: Pipe | undefined): 'pipe' {
  return (pipe?.write ?? 'pipe') as 'pipe'
}

/** What runs a command as the program is run. `runId` is the value of its tag. */
export function placeOf(
  runId: string,
  release: ReleaseId,
  launch: Launch,
  { paths, config }: Site,
): AsProgram {
  const { setpriv, identity } = launch
  const { program } = config
  const cwd = resolve(paths.main, program.cwd)
  const env = environment(runId, release, launch, config)
  // One setpriv for both: it sets this last, and a change of user after it would clear it (prctl(2)).
  const prefix =
    setpriv === null ? [] : [setpriv, ...identityArguments(identity), '--pdeathsig', 'KILL', '--']
  return (argv) => ({ argv: [...prefix, ...argv], cwd, env, drainMs: program.drainMs })
}

/** The program's environment: the daemon's, where systemd's letters are gone by now, and the settings'. */
function environment(
  runId: string,
  release: ReleaseId,
  { identity, inUse }: Launch,
  { program }: Config,
): NodeJS.ProcessEnv {
  const { folder } = inUse()
  const path = process.env['PATH'] ?? ''
  return {
    ...process.env,
    ...identity?.env,
    // As `activate` of the environment sets them: commands that its packages bring are found.
    ...(folder === null ? {} : { VIRTUAL_ENV: folder, PATH: `${join(folder, 'bin')}:${path}` }),
    // Without it Python keeps up to 8 KiB of output to itself, and a crash loses them.
    PYTHONUNBUFFERED: '1',
    ...program.env,
    [tagName]: runId,
    OTA_SUPERVISOR_RELEASE: release,
  }
}

function neverStarted(runId: string, asProgram: AsProgram, why: string): Run {
  return {
    runId,
    pid: 0,
    exit: Promise.resolve({ is: 'unstartable', why }),
    tagged: () => [],
    asProgram,
    drained: async () => undefined,
    lastWords: async () => null,
  }
}

/** Has a pipe hold more, soon. Where that cannot be, it stays as it is. */
function widen(pipe: Pipe | undefined, { argv, cwd, env }: ReturnType<AsProgram>): void {
  const [file = '', ...rest] = argv
  // Without the tag: it is none of the program's processes, and must not count as left behind by it.
  const own = { ...env, [tagName]: undefined }
  if (pipe !== undefined) void command(file, rest, { stdin: pipe.from, cwd, env: own })
}

/** Where a pipe's lines go. */
type ToLog = {
  readonly release: ReleaseId
  readonly stream: 'out' | 'err'
  readonly config: Config
  readonly log: Log
}

/** Logs a pipe in whole lines. While the log has no room it does not read, and the program waits. */
async function pump(
  pipe: Readable,
  flooded: () => void,
  { release, stream, config, log }: ToLog,
  tap: (bytes: Buffer) => void = () => undefined,
): Promise<void> {
  const pieces = gathered(pipe, config.log.readMs, flooded)
  try {
    for await (const bytes of lines(pieces, config.log.maxLineBytes)) {
      tap(bytes)
      log.output(release, { stream, bytes })
      await log.room()
    }
  } catch (error) {
    // Cut by `drained`: somebody outside the program's group still holds the pipe.
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') log.warn(messageOf(error))
  }
}
