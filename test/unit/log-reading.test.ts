import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listLogs } from '../../src/log/folder.ts'
import { begunLogs, readLogs } from '../../src/log/follow.ts'
import { written } from '../../src/log/format.ts'
import { beginMark } from '../../src/log/marks.ts'
import { logName } from '../../src/log/names.ts'
import { type Place, placeOfLast, placeSince } from '../../src/log/read.ts'
import { clock } from '../../src/system/clock.ts'
import { afterwards } from '../harness/cleanup.ts'
import { until } from '../harness/processes.ts'

const noon = new Date(2026, 10, 22, 12, 0, 0)
const never = new AbortController().signal

function makeFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ota-'))
  afterwards(t, () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Writes a log file with its first line and these texts as lines, and returns its path. */
function putLog(dir: string, session: number, part: number, texts: readonly string[] = []): string {
  const at = new Date(noon.getTime() + session * 1_000)
  const path = join(dir, logName({ at, again: 1, part }))
  const by = { time: noon, who: 'supervisor', level: 'info' } as const
  writeFileSync(path, written(by, `${beginMark(session, part)}: begins`, 'text'))
  for (const text of texts) appendFileSync(path, `${text}\n`)
  return path
}

/** All that is read from a place, to the end of the newest file. */
async function readFrom(dir: string, place: Place): Promise<string[]> {
  const lines: string[] = []
  for await (const some of readLogs(dir, begunLogs(dir), place, null, never)) lines.push(...some)
  return lines
}

function allLines(dir: string): string[] {
  return listLogs(dir).flatMap(({ name }) =>
    readFileSync(join(dir, name), 'utf8').replace(/\n$/, '').split('\n'),
  )
}

test('the last lines are found, however many, through as many files as it takes', async (t) => {
  const dir = makeFolder(t)
  const long = 'x'.repeat(70_000)
  putLog(dir, 1, 1, ['a', 'b'])
  putLog(dir, 1, 2, ['', '', long, 'ä 🙂'])
  putLog(dir, 2, 1, [long, long, 'c'])
  appendFileSync(putLog(dir, 3, 1), 'torn by a power cut')
  const all = allLines(dir)
  assert.equal(all.length, 14)
  for (let count = 0; count <= all.length + 2; count += 1) {
    const files = begunLogs(dir)
    const lines = await readFrom(dir, placeOfLast(dir, files, count))
    assert.deepEqual(lines, count === 0 ? [] : all.slice(-count), `${count}`)
  }
})

test('a line border at the border of two blocks is seen', async (t) => {
  const dir = makeFolder(t)
  const path = join(dir, logName({ at: noon, again: 1, part: 1 }))
  for (const first of [65_534, 65_535, 65_536, 65_537]) {
    writeFileSync(path, `before\n${'x'.repeat(first)}\n${'y'.repeat(65_536 - 1)}\n`)
    for (const count of [1, 2, 3]) {
      const lines = await readFrom(dir, placeOfLast(dir, begunLogs(dir), count))
      assert.deepEqual(lines, allLines(dir).slice(-count))
    }
  }
})

test('for the last lines a large file is not read whole', async (t) => {
  const dir = makeFolder(t)
  const path = putLog(dir, 1, 1)
  // A hole: nothing of it is on the disk.
  truncateSync(path, 4_000_000_000)
  appendFileSync(path, `\n${'a line\n'.repeat(100)}`)
  const before = bytesRead()
  const lines = await readFrom(dir, placeOfLast(dir, begunLogs(dir), 10))
  assert.deepEqual(
    lines,
    Array.from({ length: 10 }, () => 'a line'),
  )
  assert.ok(bytesRead() - before < 1_000_000)
})

/** What this process has read until now: proc(5), io. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

test('a time leads to the oldest file that was written to since then', (t) => {
  const dir = makeFolder(t)
  for (let session = 1; session <= 3; session += 1) {
    const path = putLog(dir, session, 1)
    utimesSync(path, session * 1_000, session * 1_000)
  }
  const since = (seconds: number) =>
    placeSince(begunLogs(dir), new Date(seconds * 1_000)).files.map(({ session }) => session)
  assert.deepEqual(since(0), [1, 2, 3])
  assert.deepEqual(since(2_000), [2, 3])
  assert.deepEqual(since(2_500), [3])
  assert.deepEqual(since(4_000), [])
})

type Follower = {
  readonly lines: string[]
  readonly reads: (text: string) => Promise<void>
  readonly end: () => Promise<void>
}

/** Follows a log from its beginning. */
function follow(t: TestContext, dir: string): Follower {
  const stop = new AbortController()
  const lines: string[] = []
  const found = begunLogs(dir)
  async function run(): Promise<void> {
    const how = { clock, pollMs: 5 }
    for await (const some of readLogs(dir, found, { files: found, at: 0 }, how, stop.signal)) {
      lines.push(...some)
    }
  }
  const running = run()
  afterwards(t, () => stop.abort())
  return {
    lines,
    reads: (text) => until(text, () => lines.some((line) => line.includes(text))),
    async end() {
      stop.abort()
      await running
    },
  }
}

test('following: what comes, in the same file, in the next, and in the next session', async (t) => {
  const dir = makeFolder(t)
  const first = putLog(dir, 1, 1, ['one'])
  const follower = follow(t, dir)
  await follower.reads('one')
  appendFileSync(first, 'two\nhalf of')
  await follower.reads('two')
  appendFileSync(first, ' three\n')
  await follower.reads('half of three')
  putLog(dir, 1, 2, ['four'])
  putLog(dir, 1, 3, ['five'])
  await follower.reads('five')
  // The clock of the next one is behind, and so is its number: the others have been deleted.
  for (const { name } of listLogs(dir)) unlinkSync(join(dir, name))
  const late = putLog(dir, 0, 1, ['six'])
  await follower.reads('six')
  appendFileSync(late, 'seven\n')
  await follower.reads('seven')
  await follower.end()
  const said = follower.lines.filter((line) => !line.includes('session'))
  assert.deepEqual(said, ['one', 'two', 'half of three', 'four', 'five', 'six', 'seven'])
})

test('following: a file that is deleted is read to its end, a folder that is moved is waited for', async (t) => {
  const parent = makeFolder(t)
  const dir = mkdtempSync(join(parent, 'logs-'))
  const path = putLog(dir, 1, 1, ['one'])
  const follower = follow(t, dir)
  await follower.reads('one')
  appendFileSync(path, 'two\n')
  unlinkSync(path)
  await follower.reads('two')
  renameSync(dir, join(parent, 'away'))
  putLog(parent, 1, 2, ['three'])
  renameSync(join(parent, 'away'), dir)
  const [next = ''] = listLogs(parent).map(({ name }) => name)
  renameSync(join(parent, next), join(dir, next))
  await follower.reads('three')
  await follower.end()
})

test('following: a file that is emptied is read from its beginning again', async (t) => {
  const dir = makeFolder(t)
  const path = putLog(dir, 1, 1, ['one', 'two'])
  const follower = follow(t, dir)
  await follower.reads('two')
  truncateSync(path, 0)
  appendFileSync(path, 'three\n')
  await follower.reads('three')
  await follower.end()
})

test('following: a file that has just been made is not placed before it has its first line', async (t) => {
  const dir = makeFolder(t)
  putLog(dir, 1, 1, ['one'])
  const follower = follow(t, dir)
  await follower.reads('one')
  // Both appear between two looks; the one without a first line would come first.
  const third = join(dir, logName({ at: noon, again: 1, part: 1 }))
  writeFileSync(third, '')
  putLog(dir, 2, 1, ['two'])
  await follower.reads('two')
  const by = { time: noon, who: 'supervisor', level: 'info' } as const
  appendFileSync(third, `${written(by, `${beginMark(3, 1)}: begins`, 'text')}three\n`)
  await follower.reads('three')
  await follower.end()
})
