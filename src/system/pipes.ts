import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from './command.ts'
import { type Reading, readDescriptor, readNow, type Take, widePipeBytes } from './reading.ts'

/** A pipe: what a process writes into the descriptor `write` is read from `read`. */
export type Pipe = {
  /** To be handed to the process, and closed here: the end comes when nobody has it open any more. */
  readonly write: number
  readonly read: Reading
  /** The descriptor that `read` reads, as long as that is open. */
  readonly from: number
}

/** A supply of new pipes. */
export type Pipes = {
  /** As many as were asked for. Null where the system has none to give; it is not asked again then. */
  readonly take: () => Promise<readonly Pipe[] | null>
}

/**
 * Opens a supply of `many` pipes at a time. What Node calls a pipe to a child is a pair of sockets, and
 * each line that is written to one alone costs both sides two to three times as much as with these. Node can make no
 * pipe(2), so they are FIFOs: made once, without a name from then on, and opened anew by each `take`.
 * A pipe of the last `take` that somebody still has open is left to him.
 */
export async function openPipes(many: number): Promise<Pipes> {
  let moulds = await makeMoulds(many)
  return {
    async take() {
      const pipes = openAll(moulds)
      if (pipes !== null || moulds.length === 0) return pipes
      for (const mould of moulds) closeSync(mould)
      moulds = await makeMoulds(many)
      return openAll(moulds)
    },
  }
}

/**
 * `take`, in few large pieces where much comes in small ones: after a small one the next is
 * left to grow for `gatherMs`. Each piece costs both sides a wake-up, which is most of what a line costs. Nothing
 * waits when little is said. `widen` is called once, when so much comes that the pipe is too small for it; where it
 * answers that the pipe is wide now, more is left to grow. It must not reject.
 */
export function gathered(take: Take, gatherMs: number, widen: () => Promise<boolean>): Take {
  let large = 0
  let pauseMs = gatherMs
  async function widenIt(): Promise<void> {
    if (await widen()) pauseMs = gatherMs * widePauses
  }
  return (piece) => {
    const { length } = piece
    const wait = take(piece)
    if (length >= largeBytes) {
      large += 1
      if (large === manyLarge) void widenIt()
    }
    return length < smallBytes ? Promise.all([wait, sleep(pauseMs)]) : wait
  }
}

/** A pipe holds 64 KiB (pipe(7)). Who writes more at a time would fill it meanwhile, and be held up. */
const smallBytes = 4_096

/** So many pieces of this size are a flood, also with small ones in between: the first after a large one is small. */
const [manyLarge, largeBytes] = [8, 32_768]

/** With a wide pipe the pause is so many times as long: at 200 MB a second 600 KB come in 3 ms, and 1 MiB fits. */
const widePauses = 3

/** Runs Python with these arguments and this stdin. Never throws. */
export type RunWidening = (
  args: readonly string[],
  stdin: number,
) => Promise<{ readonly exitCode?: number | undefined }>

/**
 * Has a pipe hold 1 MiB, where the system allows it: F_SETPIPE_SZ of fcntl(2), which Node does not have, and Python has.
 * With 64 KiB one writes while the other waits, by turns. False where it stays as it is.
 */
export async function widen({ from, read }: Pipe, run: RunWidening): Promise<boolean> {
  if (read.isOver()) return false
  let own: number | null = null
  try {
    // A description of its own: libuv takes O_NONBLOCK off what it hands over, and one that is shared would block us.
    own = openSync(`/proc/self/fd/${from}`, constants.O_RDONLY | constants.O_NONBLOCK)
    const set = `import fcntl; fcntl.fcntl(0, 1031, ${widePipeBytes})`
    return (await run(['-I', '-S', '-c', set], own)).exitCode === 0
  } catch {
    // No descriptors are left.
    return false
  } finally {
    if (own !== null) closeSync(own)
  }
}

/** open(2): a descriptor that names a file and does not open it. Node has no name for it. */
const onlyPath = 0o10000000

/** FIFOs without a name; none where they cannot be made. */
async function makeMoulds(many: number): Promise<readonly number[]> {
  let folder: string | null = null
  const made: number[] = []
  try {
    // For the owner only. In the project there may be no FIFOs: on vfat.
    folder = mkdtempSync(join(tmpdir(), 'ota-supervisor-'))
    const paths = Array.from({ length: many }, (_, at) => join(folder ?? '', `${at}`))
    const { exitCode } = await command('mkfifo', ['-m', '600', ...paths], { timeoutMs: 5_000 })
    if (exitCode === 0) for (const path of paths) made.push(openSync(path, onlyPath))
    return made
  } catch {
    for (const mould of made) closeSync(mould)
    return []
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

/** All of them or, where one cannot be had or is still open somewhere, null. */
function openAll(moulds: readonly number[]): readonly Pipe[] | null {
  const reading: number[] = []
  const writing: number[] = []
  try {
    for (const mould of moulds) {
      const path = `/proc/self/fd/${mould}`
      const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      reading.push(read)
      if (!isUnused(read)) break
      writing.push(openSync(path, constants.O_WRONLY))
    }
  } catch {
    // No descriptors are left, or there is no /proc.
  }
  if (moulds.length > 0 && writing.length === moulds.length) {
    return reading.map((fd, at) => ({
      write: writing[at] ?? fd,
      from: fd,
      read: readDescriptor(fd),
    }))
  }
  for (const fd of [...reading, ...writing]) closeSync(fd)
  return null
}

/** True when nobody has it open for writing: then it ends at once, else it has something, or waits. */
function isUnused(read: number): boolean {
  return readNow(read, Buffer.alloc(1)) === 0
}
