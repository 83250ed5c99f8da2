import { pathsOf, reading } from '../config.ts'
import { OperationalError } from '../errors.ts'
import type { LogFile } from '../log/folder.ts'
import { begunLogs, readLogs } from '../log/follow.ts'
import { parseLine } from '../log/format.ts'
import { type Place, placeOfLast, placeSince } from '../log/read.ts'
import { clock } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { asJson, asText, forTerminal } from './log-lines.ts'
import { hasColours } from './screen.ts'
import { momentOf } from './since.ts'
import { type Asked, exitCodes, type Verb } from './verb.ts'

/** `logs`: the last lines of the log, from the files themselves; the daemon need not run. */
export const verb: Verb = {
  help: `Usage: ota-supervisor logs [-C DIR] [-f] [-n N] [--since WHEN]

Prints the last ${reading.lines} lines of the log, from the files in logs/. The daemon
need not run.

  -f, --follow       go on with what comes, also in the next file and the next
                     session, until Ctrl-C
  -n, --lines N      print the last N lines
      --since WHEN   print what was said since then: "10min", "2h", "1d",
                     "01:00", "2026-11-22 01:00"

On a terminal the lines are short: time, then who spoke ("sup" is the
supervisor; "r12" is main.py of release r12, "r12!" its stderr). Elsewhere they
come as they are in the files.
`,
  options: {
    follow: { type: 'boolean', short: 'f' },
    lines: { type: 'string', short: 'n' },
    since: { type: 'string' },
  },
  takes: { least: 0, most: 0 },
  async run(asked) {
    const wanted = wantedOf(asked, clock.wall())
    if ('wrong' in wanted) {
      console.error(words.failure(wanted.wrong, 'see: ota-supervisor logs --help'))
      return exitCodes.usage
    }
    await print(wanted, asked)
    return exitCodes.done
  },
}

type Wanted = {
  readonly follow: boolean
  /** The last so many; null: no limit. */
  readonly lines: number | null
  readonly since: Date | null
}

function wantedOf({ values }: Asked, now: Date): Wanted | { readonly wrong: string } {
  const lines = typeof values['lines'] === 'string' ? values['lines'] : null
  if (lines !== null && !/^\d+$/.test(lines)) return { wrong: verbWords.noCount(lines) }
  const text = typeof values['since'] === 'string' ? values['since'] : null
  const since = text === null ? null : momentOf(text.trim(), now)
  if (text !== null && since === null) return { wrong: verbWords.noMoment(text) }
  const all = since === null ? reading.lines : null
  return { follow: values['follow'] === true, lines: lines === null ? all : Number(lines), since }
}

async function print(wanted: Wanted, { directory, json }: Asked): Promise<void> {
  const { logs } = pathsOf(directory)
  const files = filesIn(logs, wanted.follow)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  // Whoever reads this has had enough: `logs | head`.
  process.stdout.on('error', () => stop.abort())
  const show = json ? asJson : process.stdout.isTTY ? forTerminal(hasColours()) : asText
  const following = wanted.follow ? { clock, pollMs: reading.pollMs } : null
  const isSince = sinceThen(wanted.since)
  const place = placeOf(logs, files, wanted)
  for await (const lines of readLogs(logs, files, place, following, stop.signal)) {
    process.stdout.write(lines.filter(isSince).map(show).join(''))
  }
}

/** The files that can be read. It is a failure when there are none, unless they can be waited for. */
function filesIn(logs: string, follow: boolean): LogFile[] {
  if (disk.kind(`${logs}/.`) !== 'dir') {
    const hint = verbWords.noLogsHint
    throw new OperationalError(verbWords.noLogsFolder(logs), { code: 'ENOENT', path: logs, hint })
  }
  const files = begunLogs(logs)
  if (files.length > 0 || follow) return files
  const hint = verbWords.noLogsHint
  throw new OperationalError(verbWords.noLogs(logs), { code: 'ENOENT', path: logs, hint })
}

/** With a number and a time, both must be kept to: whichever place is the later one. */
function placeOf(logs: string, files: readonly LogFile[], { lines, since }: Wanted): Place {
  const bySince = since === null ? { files, at: 0 } : placeSince(files, since)
  return lines === null ? bySince : placeOfLast(logs, bySince.files, lines)
}

/** False for the lines before the first that was said then or later. */
function sinceThen(since: Date | null): (line: string) => boolean {
  let isReached = since === null
  return (line) => {
    if (since !== null && !isReached) isReached = (parseLine(line)?.time ?? 0) >= since
    return isReached
  }
}
