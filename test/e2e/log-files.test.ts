import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { lastLineOf } from '../../src/log/folder.ts'
import { begunLogs } from '../../src/log/follow.ts'
import { parseLine } from '../../src/log/format.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment, startDaemon, supervisorJs } from '../harness/daemon.ts'
import { isLiving, programsOf, residentMb, until } from '../harness/processes.ts'
import { projectWith, putProgram, type Settings, writeSettings } from '../harness/project.ts'
import { logOf } from '../harness/records.ts'
import { fillDisk, mountSmallDisk, noSmallDisk } from '../harness/small-disk.ts'

test('1,000,000 lines of 100 bytes arrive, complete and in order, and the daemon stays small', async (t) => {
  const dir = await projectWith(t, 'prints-a-million')
  const logs = join(dir, 'logs')
  // Nobody reads its console here: a test that keeps 140 MB of it would be what is measured.
  const child = spawn(process.execPath, [supervisorJs], {
    cwd: dir,
    env: cleanEnvironment(),
    stdio: 'ignore',
  })
  const pid = child.pid ?? 0
  const exited = once(child, 'exit')
  afterwards(t, () => isLiving(pid) && child.kill('SIGKILL'))
  const began = performance.now()
  let most = 0
  await until(
    'it has said all',
    () => {
      most = Math.max(most, residentMb(pid))
      const newest = begunLogs(logs).at(-1)
      return newest !== undefined && lastLineOf(logs, newest).includes('reached its end')
    },
    100_000,
  )
  const seconds = (performance.now() - began) / 1_000
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
  let expected = 0
  for (const { name } of begunLogs(logs)) {
    const lines = createInterface({ input: createReadStream(join(logs, name)) })
    for await (const line of lines) {
      const number = /r0 out {6}(\d{8}) x{90}$/.exec(line)?.[1]
      if (number !== undefined) assert.equal(Number(number), expected)
      if (number !== undefined) expected += 1
    }
  }
  assert.equal(expected, 1_000_000)
  t.diagnostic(`${seconds.toFixed(1)} s; RSS of the daemon: ${most.toFixed(0)} MB at most`)
  assert.ok(most < 200, `${most} MB`)
})

test('each file says what runs, the last one how it ended, and the next session how it did not', async (t) => {
  const dir = await projectWith(t, 'ticks', { log: { max_file: '20kB' } })
  const daemon = await startDaemon(t, dir)
  await until('there are two files', () => begunLogs(join(dir, 'logs')).length > 1)
  const [first, second] = await Promise.all(
    begunLogs(join(dir, 'logs')).map(({ name }) => readFile(join(dir, 'logs', name), 'utf8')),
  )
  assert.match(
    first ?? '',
    /^\S+ \S+ {2}supervisor {2}session 1: ota-supervisor \d\S* in \S+\n.*Python 3\S+, Node \d.*\n.*the last release that passed: r0\n.*log: \S+\.log\n/,
  )
  assert.match(
    second ?? '',
    /^\S+ \S+ {2}supervisor {2}session 1, part 2, goes on from logfile_\S+\.log: ota-supervisor \d\S* in \S+\n.*Python 3\S+, Node \d.*\n.*main\.py runs \(pid \d+\), release r0: the daemon has started\n/,
  )
  assert.equal(await daemon.end('SIGKILL'), 'SIGKILL')
  const next = await startDaemon(t, dir)
  await next.says(/the log of session 1 has no end: a power cut, kill -9 or a full disk/)
  await next.says(/tick/)
  assert.equal(await next.end('SIGINT'), 0)
  const third = await startDaemon(t, dir)
  await third.says(/waiting for uploads/)
  assert.match(next.output(), /session 2 ended after .*: stopped by SIGINT\n$/)
  assert.doesNotMatch(third.output(), /has no end/)
  assert.equal(await third.end(), 0)
})

test('with format = "json" the file has one object a line; the console stays text', async (t) => {
  const dir = await projectWith(t, 'prints-oddities', { log: { format: 'json' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/^\S+ \S+ {2}r0 out {6}oddities are up$/m)
  assert.equal(await daemon.end(), 0)
  const lines = (await logOf(dir)).map((line) => JSON.parse(line))
  for (const line of lines) assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.match(lines[0].text, /^session 1: /)
  assert.ok(
    lines.some(
      ({ who, stream, level, text }) =>
        `${who} ${stream} ${level} ${text}` === 'r0 err info this is stderr',
    ),
  )
  assert.match(lines.at(-1).text, /^session 1 ended after /)
  assert.deepEqual(
    lines.map(({ text }) => text),
    daemon
      .output()
      .trimEnd()
      .split('\n')
      .map((line) => parseLine(line)?.text),
  )
})

test('a folder of logs that is deleted is made anew, and the log goes on in it', async (t) => {
  const dir = await projectWith(t, 'ticks', { log: { check: '50ms' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  execFileSync('rm', ['-r', join(dir, 'logs')])
  await daemon.says(/WARNING: the log file \S+ is gone/)
  const [, last] = await daemon.says(/tick (\d+) /)
  await daemon.says(new RegExp(`tick ${Number(last) + 50} `))
  assert.equal(await daemon.end(), 0)
  const [name, ...others] = await readdir(join(dir, 'logs'))
  assert.deepEqual(others, [])
  assert.match(name ?? '', /_2\.log$/)
  const lines = await logOf(dir)
  assert.match(lines[0] ?? '', /session 1, part 2, goes on from/)
  assertTicks(lines)
})

/** The ticks in the log have no holes. The answer is the first and the last of them. */
function assertTicks(lines: readonly string[]): { first: number; last: number } {
  const numbers = lines
    .flatMap((line) => /r0 out {6}tick (\d+) \.{200}$/.exec(line)?.[1] ?? [])
    .map(Number)
  const first = numbers[0] ?? -1
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => first + index),
  )
  return { first, last: numbers.at(-1) ?? -1 }
}

test('without file descriptors to spare it goes on in the old file', async (t) => {
  const dir = await projectWith(t, 'ticks', { log: { max_file: '20kB', retry: '20ms' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  const limit = (soft: number) =>
    execFileSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${soft}:`])
  limit(5)
  await daemon.says(/WARNING: no further log file can be begun: EMFILE.* goes on/)
  const [, at] = await daemon.says(/tick (\d+) /)
  await daemon.says(new RegExp(`tick ${Number(at) + 200} `))
  limit(1_024)
  const before = begunLogs(join(dir, 'logs')).length
  await until('another file is begun', () => begunLogs(join(dir, 'logs')).length > before)
  assert.equal(await daemon.end(), 0)
  assert.equal(assertTicks(await logOf(dir)).first, 0)
})

const skip = noSmallDisk()

/** A whole project on a small disk; its program ticks. */
async function smallProject(t: TestContext, log: Settings[string]): Promise<string> {
  const dir = mountSmallDisk(t, 'size=8m')
  await writeSettings(dir, { log })
  await putProgram('ticks', join(dir, 'main'))
  await mkdir(join(dir, 'logs'))
  return dir
}

test('on a full disk the oldest sessions go, and no line of a talking program is lost', {
  skip,
}, async (t) => {
  const dir = await smallProject(t, { retry: '20ms', check: '20ms', min_kept: '2MB' })
  for (let day = 1; day <= 9; day += 1) {
    const old = `2026-01-01 00:00:00.000  supervisor  session ${day}: long ago\n`.repeat(2_000)
    await writeFile(join(dir, `logs/logfile_0${day}-01-26_00.00.00.log`), old)
  }
  const daemon = await startDaemon(t, dir)
  await daemon.says(/session 10: /)
  await daemon.says(/tick 10 /)
  fillDisk(dir)
  await until('the oldest is gone', () => begunLogs(join(dir, 'logs'))[0]?.session !== 1)
  const [, at] = await daemon.says(/tick (\d+) /)
  await daemon.says(new RegExp(`tick ${Number(at) + 500} `), 30_000)
  assert.equal((await programsOf(dir)).length, 1)
  assert.equal(await daemon.end(), 0)
  const files = begunLogs(join(dir, 'logs'))
  assert.ok(files.length > 1, 'not more than it takes')
  const own = files.filter(({ session }) => session === 10)
  const texts = own.map(({ name }) => readFile(join(dir, 'logs', name), 'utf8'))
  const lines = (await Promise.all(texts)).join('').split('\n')
  const { first, last } = assertTicks(lines)
  assert.equal(first, 0)
  assert.ok(last >= Number(at) + 500)
})

test('with a disk that stays full, the program talks on, and the newest of it is in the log', {
  skip,
}, async (t) => {
  const dir = await smallProject(t, { retry: '20ms', check: '20ms', min_kept: '40kB' })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 200 /)
  fillDisk(dir)
  await daemon.says(/deleted 1 old log file/)
  const [, at] = await daemon.says(/tick (\d+) /)
  await daemon.says(new RegExp(`tick ${Number(at) + 1_000} `), 30_000)
  assert.ok(isLiving(daemon.pid))
  assert.equal((await programsOf(dir)).length, 1)
  assert.equal(await daemon.end(), 0)
  const { first, last } = assertTicks(await logOf(dir))
  assert.ok(first > 0)
  assert.ok(last >= Number(at) + 1_000)
  assert.match((await logOf(dir)).at(-1) ?? '', /session 1 ended after .*: stopped by SIGTERM$/)
})
