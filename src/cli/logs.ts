import { pathsOf, reading } from '../config.ts'
import { noSettings } from '../config-file.ts'
import { loadLayout } from '../config-projects.ts'
import { OperationalError } from '../errors.ts'
import type { LogFile } from '../log/folder.ts'
import { begunLogs, readLogs } from '../log/follow.ts'
import { parseLine } from '../log/format.ts'
import { type Place, placeOfLast, placeSince } from '../log/read.ts'
import { clock } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { holderIn } from '../system/lock.ts'
import { words } from '../words.ts'
import { verbWords } from '../words-verbs.ts'
import { asJson, asText, forTerminal } from './log-lines.ts'
import { hasColours } from './screen.ts'
import { momentOf } from './since.ts'
import { chooseFrom } from './site.ts'
import { type Asked, exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `logs`: the last lines of the log, from the files themselves; the daemon need not run. */
export const verb: Verb = {
  help: `Usage: ota-supervisor logs [NAME...] [-f] [-n N] [--since WHEN] [-C DIR]

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

${namesHelp}`,
  options: {
    follow: { type: 'boolean', short: 'f' },
    lines: { type: 'string', short: 'n' },
    since: { type: 'string' },
  },
  takes: names,
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

async function print(wanted: Wanted, asked: Asked): Promise<void> {
  const { logs, isTheirs } = await whichLines(asked)
  const files = filesIn(logs, wanted.follow)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  // Whoever reads this has had enough: `logs | head`.
  process.stdout.on('error', () => stop.abort())
  const show = asked.json ? asJson : process.stdout.isTTY ? forTerminal(hasColours()) : asText
  const following = wanted.follow ? { clock, pollMs: reading.pollMs } : null
  const { place, skip } =
    isTheirs === everyLine
      ? { place: placeOf(logs, files, wanted), skip: 0 }
      : await placeAmong(logs, files, wanted, isTheirs)
  const isWanted = wants(wanted, isTheirs)
  let left = skip
  for await (const lines of readLogs(logs, files, place, following, stop.signal)) {
    const found = lines.filter(isWanted)
    process.stdout.write(found.slice(left).map(show).join(''))
    left = Math.max(0, left - found.length)
  }
}

const everyLine = () => true

/** Where the log is, and which of its lines are asked for: of many projects those of some. */
async function whichLines(
  asked: Asked,
): Promise<{ readonly logs: string; readonly isTheirs: (line: string) => boolean }> {
  const { logs } = pathsOf(asked.directory)
  const isNamed = asked.args.length > 0 || asked.project !== undefined
  if (!isNamed && holderIn(pathsOf(asked.directory).pid).parent === null) {
    return { logs, isTheirs: everyLine }
  }
  // The settings may be what is wrong: they are not read where they say nothing.
  const layout = isNamed
    ? await loadLayout(asked.directory)
    : ({ is: 'one', ...noSettings() } as const)
  const { places, door } = await chooseFrom(layout, asked)
  const theirs = new Set(places.map((place) => place.door.member))
  return {
    logs: pathsOf(door.project).logs,
    isTheirs: (line) => theirs.has(parseLine(line)?.project),
  }
}

/** The place of the last lines that are asked for, and how many of those before them have to be left out. */
async function placeAmong(
  logs: string,
  files: readonly LogFile[],
  wanted: Wanted,
  isTheirs: (line: string) => boolean,
): Promise<{ readonly place: Place; readonly skip: number }> {
  const whole = placeOf(logs, files, { ...wanted, lines: null })
  if (wanted.lines === null) return { place: whole, skip: 0 }
  const never = new AbortController().signal
  for (let lines = Math.max(1, wanted.lines); ; lines *= 8) {
    const place = placeOf(logs, files, { ...wanted, lines })
    const isWanted = wants(wanted, isTheirs)
    let found = 0
    for await (const some of readLogs(logs, files, place, null, never)) {
      found += some.filter(isWanted).length
    }
    const isAll = place.at === whole.at && place.files.length === whole.files.length
    if (found >= wanted.lines || isAll) return { place, skip: Math.max(0, found - wanted.lines) }
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

/** True for the lines that are asked for, which come one after the other. */
function wants({ since }: Wanted, isTheirs: (line: string) => boolean): (line: string) => boolean {
  const isSince = sinceThen(since)
  return (line) => isSince(line) && isTheirs(line)
}

/** False for the lines before the first that was said then or later. */
function sinceThen(since: Date | null): (line: string) => boolean {
  let isReached = since === null
  return (line) => {
    if (since !== null && !isReached) isReached = (parseLine(line)?.time ?? 0) >= since
    return isReached
  }
}
