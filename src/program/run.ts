import { randomUUID } from 'node:crypto'
import { closeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { Config, Site } from '../config.ts'
import { messageOf } from '../errors.ts'
import type { Log, ProcessEnd, ReleaseId } from '../model.ts'
import { command } from '../system/command.ts'
import { exitOf, pipedGroup } from '../system/job.ts'
import type { Pipe, Pipes, RunWidening } from '../system/pipes.ts'
import { readSocket } from '../system/reading.ts'
import { words } from '../words.ts'
import { type Identity, identityArguments } from './identity.ts'
import { carryOutput, type Output, type Source } from './output.ts'
import type { AsProgram } from './probe.ts'
import { tagName, writeRecord } from './record.ts'

/** One process of the program, from its start to its last line. */
export type Run = Output & {
  readonly runId: string
  readonly pid: number
  /** Resolves when the leader has ended. What it left behind may still live. */
  readonly exit: Promise<ProcessEnd>
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
  for (const { write } of pipes ?? []) closeSync(write)
  const { pid } = child
  if (pid === undefined) {
    for (const { read } of pipes ?? []) read.cut()
    return unstartable((await child).shortMessage ?? 'no process')
  }
  const exit = exitOf(child)
  note(pid)
  const sources = { out: sourceOf(out, child.stdout), err: sourceOf(err, child.stderr) }
  // As the program: its Python is not for the daemon, which may be root. But without the tag: it is none of the
  // program's processes, and must not count as left behind by it.
  const runPython: RunWidening = (words, stdin) => {
    const { argv, cwd, env } = asProgram([launch.inUse().python.path, ...words])
    const [file = '', ...rest] = argv
    return command(file, rest, { stdin, cwd, env: { ...env, [tagName]: undefined } })
  }
  return { runId, pid, exit, asProgram, ...carryOutput(sources, runPython, release, site, log) }
}

/** What is read of a run. Where there is no pipe, Node has made a socket. */
function sourceOf(pipe: Pipe | undefined, socket: Readable): Source {
  return pipe === undefined ? { ...readSocket(socket), pipe: null } : { ...pipe.read, pipe }
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
    asProgram,
    drained: async () => undefined,
    lastWords: async () => null,
  }
}
