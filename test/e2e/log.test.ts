import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { listLogs } from '../../src/log/folder.ts'
import { logName } from '../../src/log/names.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment, type Daemon, startDaemon, supervisorJs } from '../harness/daemon.ts'
import { isLiving, programsOf, residentMb, until } from '../harness/processes.ts'
import { projectWith } from '../harness/project.ts'
import { logEndsWith, logOf, sessionsOf } from '../harness/records.ts'

/** Generous: a daemon at rest has some 70 MB. */
const maxResidentMb = 250

/** What the program's own lines say, from a session file. */
function saidBy(lines: readonly string[], who: string): string[] {
  return lines.flatMap((line) => {
    const found = new RegExp(`^\\S+ \\S+  ${who} +(.*)$`).exec(line)
    return found === null ? [] : [found[1] ?? '']
  })
}

test('every line goes to the console and to the session file: time, who, text', async (t) => {
  const dir = await projectWith(t, 'prints-oddities')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/oddities are up/)
  assert.equal(await daemon.end(), 0)
  const lines = await logOf(dir)
  assert.equal(`${lines.join('\n')}\n`, daemon.output())
  for (const line of lines) {
    assert.match(
      line,
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}(supervisor|r0 out {4}|r0 err {4}) {2}/,
    )
  }
  const [name] = await sessionsOf(dir)
  assert.match(name ?? '', /^logfile_\d\d-\d\d-\d\d_\d\d\.\d\d\.\d\d\.log$/)
})

test('line ends, control characters and bytes that are no text', async (t) => {
  const dir = await projectWith(t, 'prints-oddities')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/oddities are up/)
  await daemon.end()
  const lines = await logOf(dir)
  assert.deepEqual(saidBy(lines, 'r0 out'), [
    'ended by CRLF',
    'red \\x1b[31m, bell \\x07, back\\rwards',
    'not UTF-8: \ufffd\ufffd, UTF-8: ä',
    'forged\\u2028line, tab\tstays',
    '',
    'oddities are up',
  ])
  assert.equal(saidBy(lines, 'r0 err')[0], 'this is stderr')
})

test('sessions of the same second, and names that exist, overwrite nothing', async (t) => {
  const dir = await projectWith(t, 'good')
  const logs = join(dir, 'logs')
  await mkdir(logs)
  const taken = Array.from({ length: 60 }, (_, second) =>
    logName({ at: new Date(Date.now() + second * 1_000), again: 1, part: 1 }),
  )
  for (const name of taken) await writeFile(join(logs, name), 'an old session\n')
  for (let session = 0; session < 3; session += 1) {
    const daemon = await startDaemon(t, dir)
    await daemon.says(/good is up/)
    await daemon.end()
  }
  for (const name of taken) {
    assert.equal(await readFile(join(logs, name), 'utf8'), 'an old session\n')
  }
  const others = (await sessionsOf(dir)).filter((name) => !taken.includes(name))
  assert.equal(others.length, 3)
  for (const name of others) {
    assert.match(name, /-\d+\.log$/)
    const text = await readFile(join(logs, name), 'utf8')
    assert.equal(text.match(/waiting for uploads/g)?.length, 1)
    assert.match(text, /supervisor {2}session \d+ ended after .*: stopped by SIGTERM\n$/)
  }
})

test('the last lines of a program that dies without a goodbye are there', async (t) => {
  await printsAll(t, 1_000)
})

test('200,000 lines arrive, complete and in order', async (t) => {
  await printsAll(t, 200_000)
})

async function printsAll(t: TestContext, count: number): Promise<void> {
  const dir = await projectWith(t, 'prints-a-lot', slowRetry, { lines: String(count) })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/ended with exit code 1; next start/, 60_000)
  await daemon.end()
  assert.doesNotMatch(daemon.output(), /main\.py left/)
  const said = saidBy(await logOf(dir), 'r0 out')
  assert.equal(said.length, count + 1)
  assert.equal(said.pop(), 'no line end')
  const wrong = said.findIndex((line, number) => line !== `line ${number}`)
  assert.equal(wrong, -1, said[wrong])
}

/** One run only. */
const slowRetry = { program: { backoff: '1h', backoff_max: '1h' } }

for (const how of ['one-line', 'garbage', 'flood']) {
  test(`a program that prints without end (${how}) does not grow the daemon`, async (t) => {
    const dir = await projectWith(t, 'talks-for-ever', {}, { how })
    const daemon = await startDaemon(t, dir)
    await daemon.says(/talker is up/)
    const most = await watchMemory(daemon.pid, dir, 15_000_000)
    assert.equal(await daemon.end(), 0)
    t.diagnostic(`RSS of the daemon: ${most.toFixed(0)} MB at most`)
    assert.ok(most < maxResidentMb, `${most} MB`)
    for (const line of await logOf(dir)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none must be left
      assert.doesNotMatch(line, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
    }
    assert.deepEqual(await programsOf(dir), [])
  })
}

/** The most memory a process had until the session file has grown to `bytes`. */
async function watchMemory(pid: number, dir: string, bytes: number): Promise<number> {
  let most = 0
  await until(
    `${bytes} bytes in the log`,
    () => {
      most = Math.max(most, residentMb(pid))
      return logBytes(dir) >= bytes
    },
    60_000,
  )
  return most
}

function logBytes(dir: string): number {
  return listLogs(join(dir, 'logs')).reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Only a console that nobody reads is given up, not a file on a slow disk. */
const patientLog = { close: '3s' }

// At once: most of their time is spent waiting for the console.
describe('nobody reads the console', { concurrency: 3 }, () => {
  test('a socket: the file still gets every line', async (t) => {
    await withoutReader(t, startOnSocket)
  })

  test('a pipe: the file still gets every line', async (t) => {
    await withoutReader(t, (dir) => startOnPipe(t, dir).child)
  })

  test('a program that dies while it is stalled loses no last line', async (t) => {
    // So many that the last ones are still in the program's pipe when the log has no room any more.
    await withoutReader(t, startOnSocket, 35_000)
  })
})

/** Node's pipes are sockets; nobody reads from this one. */
function startOnSocket(dir: string): ChildProcess {
  return spawn(process.execPath, [supervisorJs], {
    cwd: dir,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** The other end of the pipe is read by the test, if it likes. */
function startOnPipe(t: TestContext, dir: string): { child: ChildProcess; reader: number } {
  const path = join(dir, 'console')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  afterwards(t, () => closeSync(reader))
  const writer = openSync(path, 'w')
  const child = spawn(process.execPath, [supervisorJs], {
    cwd: dir,
    env: cleanEnvironment(),
    stdio: ['ignore', writer, 'ignore'],
  })
  closeSync(writer)
  return { child, reader }
}

function cameToItsEnd(dir: string): Promise<void> {
  return until(
    'the program came to its end',
    () => logEndsWith(dir, /ended with exit code 1; next start in/),
    60_000,
  )
}

async function withoutReader(
  t: TestContext,
  start: (dir: string) => ChildProcess,
  count = 50_000,
): Promise<void> {
  const settings = { program: slowRetry.program, log: patientLog }
  const dir = await projectWith(t, 'prints-a-lot', settings, { lines: String(count) })
  const child = start(dir)
  const pid = child.pid ?? 0
  const ended = once(child, 'exit')
  afterwards(t, () => isLiving(pid) && child.kill('SIGKILL'))
  await cameToItsEnd(dir)
  assert.ok(residentMb(pid) < maxResidentMb)
  const said = saidBy(await logOf(dir), 'r0 out')
  assert.equal(said.length, count + 1)
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  const lines = await logOf(dir)
  assert.match(lines.at(-1) ?? '', /session 1 ended after .*: stopped by SIGTERM$/)
}

test('a console that is closed (a lost connection) stops nothing', async (t) => {
  const dir = await projectWith(t, 'ticks')
  const child = startOnSocket(dir)
  const ended = once(child, 'exit')
  afterwards(t, () => isLiving(child.pid ?? 0) && child.kill('SIGKILL'))
  const ticks = async () => saidBy(await logOf(dir).catch(() => []), 'r0 out').length
  await until('it ticks', async () => (await ticks()) > 10)
  child.stdout?.destroy()
  const before = await ticks()
  await until('it goes on', async () => (await ticks()) > before + 500)
  assert.equal((await programsOf(dir)).length, 1)
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  const said = saidBy(await logOf(dir), 'r0 out').filter((line) => line.startsWith('tick '))
  assert.equal(
    said.findIndex((line, number) => !line.startsWith(`tick ${number} `)),
    -1,
  )
})

test('a console that is read again tells how many lines it missed', async (t) => {
  const settings = { ...slowRetry, log: patientLog }
  const dir = await projectWith(t, 'prints-a-lot', settings, { lines: '50000' })
  const { child, reader } = startOnPipe(t, dir)
  const ended = once(child, 'exit')
  afterwards(t, () => isLiving(child.pid ?? 0) && child.kill('SIGKILL'))
  await cameToItsEnd(dir)
  let text = ''
  await until('the console tells', () => {
    text += readSome(reader)
    return /WARNING: \d+ lines could not be logged here/.test(text)
  })
  const missed = Number(/WARNING: (\d+) lines/.exec(text)?.[1])
  const shown = text.split('\n').filter((line) => /could not be logged/.test(line) === false)
  const all = (await logOf(dir)).length
  assert.equal(shown.filter((line) => line !== '').length + missed, all)
  child.kill('SIGTERM')
  await until('it says goodbye', () => {
    text += readSome(reader)
    return text.endsWith('stopped by SIGTERM\n')
  })
  assert.deepEqual(await ended, [0, null])
})

function readSome(reader: number): string {
  const buffer = Buffer.alloc(65_536)
  try {
    return buffer.toString('utf8', 0, readSync(reader, buffer))
  } catch {
    // EAGAIN: empty.
    return ''
  }
}

test('a folder for logs that cannot be made does not stop the daemon', async (t) => {
  const dir = await projectWith(t, 'good')
  await writeFile(join(dir, 'logs'), 'a file in the way')
  const daemon: Daemon = await startDaemon(t, dir)
  await daemon.says(/WARNING: no log file in .*logs: .*Everything is on the console only/)
  await daemon.says(/good is up/)
  assert.equal(await daemon.end(), 0)
})
