import type { Readable } from 'node:stream'
import type { Site } from '../config.ts'
import type { Log, ReleaseId } from '../model.ts'
import { atMost, type First } from '../system/clock.ts'
import { type JobEnd, runJob } from '../system/job.ts'
import { openTail } from './last-words.ts'
import { openCutter } from './lines.ts'

/** A command that the settings name, to be run by the daemon itself. */
export type Errand = {
  readonly argv: readonly string[]
  /** What it reads on stdin; without it there is nothing to read. */
  readonly input?: string
  readonly env: NodeJS.ProcessEnv
  /** It is killed after this, with its process group. */
  readonly deadlineMs: number
  /** Under whose name its output is logged. */
  readonly who: ReleaseId | 'hook'
}

/** How an errand ended. */
export type Done = {
  /** `late`: it was killed at its deadline; `aborted`, or `cut`: the end came first. */
  readonly end: First<JobEnd>
  /** It has printed more than is logged. */
  readonly isFlood: boolean
  /** What it said last on stderr; empty: nothing. */
  readonly lastWords: string
}

/**
 * Runs a command as the daemon's user in the project directory, to its end or its deadline. What it prints is
 * logged, `hooks.maxOutputBytes` of it. Never throws.
 */
export async function runErrand(
  { who, deadlineMs, ...errand }: Errand,
  { paths, config }: Site,
  log: Log,
  end: AbortSignal,
): Promise<Done> {
  let left = config.hooks.maxOutputBytes
  const tail = openTail()
  async function read(stream: 'out' | 'err', pipe: Readable): Promise<void> {
    const cutter = openCutter(config.log.maxLineBytes)
    const say = (bytes: Buffer) => {
      if (left > 0) log.output(who, { stream, bytes: bytes.subarray(0, left) })
      left -= bytes.length
    }
    try {
      for await (const chunk of pipe.iterator({ destroyOnReturn: false })) {
        // At once, and whole: the end may come while the log has no room.
        if (stream === 'err') tail.add(chunk as Buffer)
        for (const bytes of cutter.add(chunk as Buffer)) {
          say(bytes)
          await log.room()
        }
        if (left < 0) break
      }
    } finally {
      // Also when the stream breaks off: these are last words.
      for (const bytes of cutter.end()) say(bytes)
    }
    // It may print on, but nobody cuts that into lines any more.
    pipe.resume()
  }
  const job = { ...errand, cwd: paths.project, read, drainMs: config.program.drainMs }
  const first = await atMost(deadlineMs, end, (cut) => runJob(job, cut))
  const lastWords = tail.text().trimEnd().split('\n').at(-1) ?? ''
  return { end: first, isFlood: left < 0, lastWords: lastWords.slice(0, 300) }
}
