import { posix } from 'node:path'
import { command } from './command.ts'

/** OpenSSH's SFTP servers, by the names they give themselves in the journal. */
const servers = ['sftp-server', 'internal-sftp', 'sshd', 'sshd-session']

/** Files by the names the client gave them, and when their upload was cut off (Unix time in ms). */
export type ForcedCloses = ReadonlyMap<string, number>

/**
 * The files whose upload over SFTP was cut off since then, and that nobody has uploaded again. Null
 * when the journal tells nothing: there is none, this user may not read it, or the SFTP server does
 * not log.
 */
export async function forcedCloses(
  sinceMs: number,
  timeoutMs: number,
): Promise<ForcedCloses | null> {
  const { exitCode, stdout } = await command(
    'journalctl',
    [
      ...['--quiet', '--no-pager', '--all', '--output=short-unix'],
      `--since=-${Math.ceil(sinceMs / 1_000)}s`,
      ...servers.map((name) => `--identifier=${name}`),
    ],
    { timeoutMs },
  )
  return exitCode === 0 && stdout !== '' ? parseCloses(stdout) : null
}

/** The last that is known of a file: which server process opened it for writing, and when it was cut off. */
type Upload = { readonly by: string; readonly cutAt: number | null }

/**
 * Reads the lines of `journalctl -o short-unix` for `forcedCloses`. Of two processes that write the
 * same file the one that opened it last counts: a dead connection may time out long after the client
 * has come back and sent all.
 */
export function parseCloses(lines: string): ForcedCloses {
  const uploads = new Map<string, Upload>()
  for (const line of lines.split('\n')) {
    const [, at, by, said] = /^([\d.]+) \S+ ([^\s:]+): (.*)$/.exec(line) ?? []
    if (by !== undefined && said !== undefined) takeIn(uploads, Number(at) * 1_000, by, said)
  }
  return new Map(
    [...uploads].flatMap(([path, { cutAt }]) => (cutAt === null ? [] : [[path, cutAt]])),
  )
}

// Names may hold quotes, and are logged as they are: the last one ends the name.
const opened = /^open "(.*)" flags (?:\S*WRITE|\S*APPEND)\S* mode/
const closed = /^(forced )?close "(.*)" bytes read (\d+) written (\d+)$/
const renamed = /^(?:posix-)?rename old "(.*)" new "(.*)"$/

function takeIn(uploads: Map<string, Upload>, at: number, by: string, said: string): void {
  const open = opened.exec(said)
  if (open !== null) uploads.set(nameOf(open[1]), { by, cutAt: null })
  const close = closed.exec(said)
  if (close !== null) takeInClose(uploads, at, by, close)
  const rename = renamed.exec(said)
  if (rename !== null) takeInRename(uploads, at, nameOf(rename[1]), nameOf(rename[2]))
}

function takeInClose(
  uploads: Map<string, Upload>,
  at: number,
  by: string,
  [, forced, name, read, written]: RegExpExecArray,
): void {
  const known = uploads.get(nameOf(name))
  const isDownload = read !== '0' && written === '0'
  // Not known: its beginning lies before what is read here.
  const isLatest = known === undefined || known.by === by
  if (!isLatest || isDownload) return
  uploads.set(nameOf(name), { by, cutAt: forced === undefined ? null : at })
}

/** The rename changes the file as well: only what comes after it is somebody else's change. */
function takeInRename(uploads: Map<string, Upload>, at: number, from: string, to: string): void {
  const moved = uploads.get(from)
  uploads.delete(from)
  uploads.delete(to)
  if (moved !== undefined) uploads.set(to, moved.cutAt === null ? moved : { ...moved, cutAt: at })
}

/** What stands for one character in a log of OpenSSH's: vis(3) with VIS_CSTYLE and VIS_OCTAL. */
const letters: Record<string, string> = {
  ...{ n: '\n', r: '\r', b: '\b', a: '\x07', v: '\v', t: '\t', f: '\f', s: ' ', '0': '\0' },
  '\\': '\\',
}

function nameOf(logged = ''): string {
  // As bytes first: a character of UTF-8 is logged as several.
  const bytes = Buffer.from(logged, 'utf8').toString('latin1')
  const plain = bytes.replace(/\\([0-3][0-7]{2}|[nrbavtfs0\\])/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (letters[code] ?? code),
  )
  return posix.normalize(Buffer.from(plain, 'latin1').toString('utf8'))
}
