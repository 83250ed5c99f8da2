import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listLogs } from '../../src/log/folder.ts'
import { timeText } from '../../src/log/format.ts'
import { afterwards } from '../harness/cleanup.ts'
import { runSupervisor } from '../harness/command.ts'
import { cleanEnvironment, startDaemon, supervisorJs } from '../harness/daemon.ts'
import { isLiving, until } from '../harness/processes.ts'
import { makeProject, projectWith, writeTree } from '../harness/project.ts'
import { logOf } from '../harness/records.ts'

/** A project with two old sessions, the second of two files, one of them in JSON. */
async function projectWithLogs(t: TestContext): Promise<string> {
  const dir = await makeProject(t)
  const line = (minute: number, who: string, text: string) =>
    `${timeText(new Date(2026, 10, 22, 1, minute))}  ${who.padEnd(10)}  ${text}\n`
  const json = (minute: number, text: string) =>
    `${JSON.stringify({ time: new Date(2026, 10, 22, 1, minute).toISOString(), who: 'r7', stream: 'err', level: 'info', text })}\n`
  await writeTree(join(dir, 'logs'), {
    'logfile_22-11-26_01.00.00.log':
      line(0, 'supervisor', 'session 1: begins') +
      line(1, 'r6 out', '  hello') +
      line(2, 'supervisor', 'session 1 ended after 2 min: stopped by SIGTERM'),
    'logfile_22-11-26_01.03.00.log':
      line(3, 'supervisor', 'session 2: begins') + line(4, 'supervisor', 'ERROR: oh no'),
    'logfile_22-11-26_01.03.00_2.log':
      line(5, 'supervisor', 'session 2, part 2, goes on') + json(6, 'a "quoted" word'),
    'notes.txt': 'not ours\n',
  })
  return dir
}

test('it prints the last lines of the log, through its files, while no daemon runs', async (t) => {
  const dir = await projectWithLogs(t)
  const all = await runSupervisor(['logs'], dir)
  assert.equal(all.code, 0)
  assert.equal(all.stderr, '')
  const lines = all.stdout.split('\n')
  assert.equal(lines.length, 7 + 1)
  assert.equal(lines[1], '2026-11-22 01:01:00.000  r6 out        hello')
  assert.equal(lines[6], '2026-11-22 01:06:00.000  r7 err      a "quoted" word')
  const some = await runSupervisor(['logs', '-n', '3'], dir)
  assert.equal(some.stdout, lines.slice(-4).join('\n'))
  assert.equal((await runSupervisor(['logs', '--lines=0'], dir)).stdout, '')
})

test('--since leaves out what was said before', async (t) => {
  const dir = await projectWithLogs(t)
  const since = async (...args: string[]) =>
    (await runSupervisor(['logs', ...args], dir)).stdout.match(/ 01:0\d/g)?.join('') ?? ''
  assert.equal(await since('--since', '2026-11-22 01:04'), ' 01:04 01:05 01:06')
  assert.equal(await since('--since', '2026-11-22 01:04', '-n', '2'), ' 01:05 01:06')
  assert.equal(await since('--since', '2026-11-22 01:06', '-n', '2'), ' 01:06')
  assert.equal(await since('--since', '2099-01-01'), '')
})

test('--json prints one object a line, whatever the form of the file', async (t) => {
  const dir = await projectWithLogs(t)
  const { stdout } = await runSupervisor(['logs', '--json'], dir)
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const time = (minute: number) => new Date(2026, 10, 22, 1, minute).toISOString()
  assert.equal(lines.length, 7)
  assert.deepEqual(lines[1], {
    time: time(1),
    who: 'r6',
    stream: 'out',
    level: 'info',
    text: '  hello',
  })
  assert.deepEqual(lines[4], { time: time(4), who: 'supervisor', level: 'error', text: 'oh no' })
  assert.deepEqual(lines[6], {
    time: time(6),
    who: 'r7',
    stream: 'err',
    level: 'info',
    text: 'a "quoted" word',
  })
})

test('on a terminal the lines are short, and coloured unless NO_COLOR is set', async (t) => {
  const dir = await projectWithLogs(t)
  // A line that nobody can have written but by hand.
  await writeFile(join(dir, 'logs/logfile_22-11-26_01.07.00.log'), '\x1b]0;title\x07\n')
  const plain = await onTerminal(dir, { NO_COLOR: '1', TERM: 'xterm' })
  assert.deepEqual(plain.split('\r\n'), [
    '\\x1b]0;title\\x07',
    '--- 2026-11-22 ---',
    '01:00:00 sup  session 1: begins',
    '01:01:00 r6     hello',
    '01:02:00 sup  session 1 ended after 2 min: stopped by SIGTERM',
    '01:03:00 sup  session 2: begins',
    '01:04:00 sup  ERROR: oh no',
    '01:05:00 sup  session 2, part 2, goes on',
    '01:06:00 r7!  a "quoted" word',
    '',
  ])
  const coloured = await onTerminal(dir, { TERM: 'xterm' })
  assert.ok(coloured.includes('\x1b[31m01:04:00 sup  ERROR: oh no\x1b[0m\r\n'), coloured)
  assert.ok(!(await onTerminal(dir, { TERM: 'dumb' })).includes('\x1b'))
})

/** What `logs` prints on a terminal; Python has one to lend. */
async function onTerminal(dir: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { NO_COLOR, ...clean } = cleanEnvironment()
  const lend = 'import pty, sys; pty.spawn(sys.argv[1:])'
  const child = spawn('python3', ['-c', lend, process.execPath, supervisorJs, 'logs'], {
    cwd: dir,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await once(child, 'close')
  return text
}

test('where there is no log it says so, with exit code 1', async (t) => {
  const dir = await makeProject(t)
  const none = await runSupervisor(['logs', '-f'], dir)
  assert.equal(none.code, 1)
  assert.equal(none.stdout, '')
  assert.match(none.stderr, /^ota-supervisor: there is no folder \S+\/logs\n {2}.*logs -C DIR\n$/)
  await mkdir(join(dir, 'logs'))
  const empty = await runSupervisor(['logs'], dir)
  assert.equal(empty.code, 1)
  assert.match(empty.stderr, /^ota-supervisor: there is no log file in \S+\/logs\n/)
})

test('what cannot be meant is wrong usage: exit code 2', async (t) => {
  const dir = await projectWithLogs(t)
  for (const args of [
    ['-n', 'x'],
    ['-n', '-5'],
    ['--lines=1.5'],
    ['--since', 'yesterday'],
    ['more'],
  ]) {
    const done = await runSupervisor(['logs', ...args], dir)
    assert.equal(done.code, 2, args.join(' '))
    assert.equal(done.stdout, '')
    assert.match(done.stderr, /ota-supervisor.*--help\n$/s)
  }
})

test('a reader that has had enough (head) ends it quietly', async (t) => {
  const dir = await projectWithLogs(t)
  const many = 'nobody reads all of this\n'.repeat(1_000_000)
  await writeFile(join(dir, 'logs/logfile_22-11-26_01.08.00.log'), many)
  const child = spawn(
    'bash',
    [
      '-c',
      'set -o pipefail; "$0" "$1" logs -n 1000000 | head -n 1',
      process.execPath,
      supervisorJs,
    ],
    { cwd: dir, env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.equal(text, 'nobody reads all of this\n')
})

type Followed = {
  readonly text: () => string
  readonly shows: (text: string) => Promise<void>
  readonly end: (signal: NodeJS.Signals) => Promise<unknown>
}

/** `logs -f` in a process of its own. */
function follow(t: TestContext, dir: string, ...args: string[]): Followed {
  const child = spawn(process.execPath, [supervisorJs, 'logs', '-f', ...args], {
    cwd: dir,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  afterwards(t, () => isLiving(child.pid ?? 0) && child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return {
    text: () => text,
    shows: (part) => until(`logs -f shows ${part}`, () => text.includes(part)),
    async end(signal) {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

test('-f follows from file to file and from session to session, until Ctrl-C', async (t) => {
  const dir = await projectWith(t, 'ticks', { log: { max_file: '5kB' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  const followed = follow(t, dir, '-n', '100000')
  await until('there are several files', () => listLogs(join(dir, 'logs')).length > 5)
  assert.equal(await daemon.end(), 0)
  await followed.shows('session 1 ended')
  assert.equal(followed.text(), `${(await logOf(dir)).join('\n')}\n`)
  const again = await startDaemon(t, dir)
  await again.says(/tick 10 /)
  await followed.shows('session 2: ')
  assert.equal(await again.end(), 0)
  await followed.shows('session 2 ended')
  assert.equal(await followed.end('SIGINT'), 0)
})

test('-f goes on when old files, or all of them, are deleted', async (t) => {
  const dir = await projectWith(t, 'ticks', { log: { check: '20ms' } })
  const logs = join(dir, 'logs')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  const followed = follow(t, dir, '-n', '0')
  await followed.shows('tick ')
  await rm(logs, { recursive: true })
  await followed.shows('session 1, part 2, goes on from')
  await daemon.says(/WARNING: the log file .* is gone/)
  const [name = ''] = await readdir(logs)
  await rename(join(logs, name), join(dir, 'elsewhere'))
  await followed.shows('session 1, part 3, goes on from')
  await unlink(join(dir, 'elsewhere'))
  assert.equal(await daemon.end(), 0)
  await followed.shows('session 1 ended')
  assert.equal(await followed.end('SIGINT'), 0)
})

test('-f waits for the first file, and ends on SIGTERM too', async (t) => {
  const dir = await projectWith(t, 'good')
  await mkdir(join(dir, 'logs'))
  const followed = follow(t, dir)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/good is up/)
  await followed.shows('good is up')
  assert.match(followed.text(), /^\S+ \S+ {2}supervisor {2}session 1: /)
  assert.equal(await daemon.end(), 0)
  await followed.shows('session 1 ended')
  assert.equal(await followed.end('SIGTERM'), 0)
})
