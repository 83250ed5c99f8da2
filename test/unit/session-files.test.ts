import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, defaults } from '../../src/config.ts'
import { codeOf } from '../../src/errors.ts'
import { listLogs } from '../../src/log/folder.ts'
import { parseLine, written } from '../../src/log/format.ts'
import { beginMark } from '../../src/log/marks.ts'
import { openSessionFiles, type SessionFiles } from '../../src/log/session-files.ts'
import { clock } from '../../src/system/clock.ts'
import { afterwards } from '../harness/cleanup.ts'
import { fillDisk, mountSmallDisk, noSmallDisk, useUpInodes } from '../harness/small-disk.ts'

type Limits = Config['log']

/** Small files, and a look before every write. */
const small: Limits = {
  ...defaults.log,
  maxFileBytes: 10_000,
  maxTotalBytes: 1_000_000,
  minFreeBytes: 0,
  checkMs: 0,
  retryMs: 0,
}

type Opened = {
  readonly files: SessionFiles
  readonly told: string[]
  readonly path: string | null
}

const noon = new Date(2026, 10, 22, 12, 0, 0)

function open(t: TestContext, dir: string, limits: Partial<Limits> = {}, at = noon): Opened {
  const told: string[] = []
  const files = openSessionFiles({
    dir,
    limits: () => ({ ...small, ...limits }),
    clock: { ...clock, wall: () => at },
    head: (session, part, after) => line(`${beginMark(session, part)} after ${after}`),
    tell: (_level, text) => told.push(text),
  })
  afterwards(t, () => files.close())
  return { files, told, path: files.begin() }
}

function line(text: string): string {
  return written({ time: noon, who: 'supervisor', level: 'info' }, text, 'text')
}

function makeFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ota-'))
  afterwards(t, () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Writes as the sink does, to the end. */
async function put(files: SessionFiles, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += await files.write(bytes.subarray(at))
}

/** A session of its own, from its first line to its last. */
async function session(t: TestContext, dir: string, at: Date, bytes = 0): Promise<void> {
  const { files } = open(t, dir, {}, at)
  await put(files, line(`${beginMark(files.session, 1)}: a whole one ${'x'.repeat(bytes)}`))
  files.close()
}

/** `count` lines of some 100 bytes, numbered. */
function numbered(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) =>
    line(`number ${from + index} ${'.'.repeat(50)}`),
  ).join('')
}

function textOf(dir: string): string {
  return listLogs(dir)
    .map(({ name }) => readFileSync(join(dir, name), 'utf8'))
    .join('')
}

/** The numbers of the numbered lines; every line must be whole. */
function numbersIn(text: string): number[] {
  assert.ok(text.endsWith('\n'))
  return text
    .slice(0, -1)
    .split('\n')
    .flatMap((one) => {
      const parsed = parseLine(one)
      assert.ok(parsed, `a torn line: ${one}`)
      const [, number] = /^number (\d+) \.{50}$/.exec(parsed.text) ?? []
      if (number === undefined) assert.match(parsed.text, /^session \d/)
      return number === undefined ? [] : [Number(number)]
    })
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number)
}

test('a full file is continued in the next: no line is lost or torn, each file says what it is', async (t) => {
  const dir = makeFolder(t)
  const { files, path } = open(t, dir)
  assert.equal(path, join(dir, 'logfile_22-11-26_12.00.00.log'))
  await put(files, line(beginMark(files.session, 1)))
  await put(files, numbered(0, 700))
  await put(files, numbered(700, 1))
  const found = listLogs(dir)
  assert.ok(found.length > 6)
  assert.deepEqual(
    found.map(({ name }) => name),
    found.map((_, index) => `logfile_22-11-26_12.00.00${index === 0 ? '' : `_${index + 1}`}.log`),
  )
  for (const [index, { name, bytes, session }] of found.entries()) {
    assert.ok(bytes <= 10_000 + 200, `${bytes}`)
    assert.equal(session, 1)
    const first = readFileSync(join(dir, name), 'utf8').split('\n', 1)[0]
    if (index > 0)
      assert.match(
        first ?? '',
        new RegExp(`session 1, part ${index + 1} after ${found[index - 1]?.name}$`),
      )
  }
  assert.deepEqual(numbersIn(textOf(dir)), upTo(701))
})

test('a line that is longer than a file may be is written all the same', async (t) => {
  const dir = makeFolder(t)
  const { files } = open(t, dir, { maxFileBytes: 100 })
  const text = ['a', 'b'.repeat(1_000), 'c', 'd'.repeat(500)].map((one) => `${one}\n`).join('')
  await put(files, text)
  const said = textOf(dir).replaceAll(/^.*session 1, part.*\n/gm, '')
  assert.equal(said, text)
  assert.equal(listLogs(dir).length, 4)
})

test('the order of the sessions does not depend on the clock', async (t) => {
  const dir = makeFolder(t)
  await session(t, dir, noon)
  // The machine wakes in the past, as one without a battery does.
  const past = new Date(noon.getTime() - 3_600_000)
  await session(t, dir, past)
  await session(t, dir, new Date(1970, 0, 1))
  for (const { name, at } of listLogs(dir)) utimesSync(join(dir, name), at, at)
  assert.deepEqual(
    listLogs(dir).map(({ session, at }) => [session, at]),
    [
      [1, noon],
      [2, past],
      [3, new Date(1970, 0, 1)],
    ],
  )
  const { files } = open(t, dir)
  assert.equal(files.session, 4)
  assert.equal(files.before?.session, 3)
})

test('files without a number are older than all others, and ordered by when they were written', async (t) => {
  const dir = makeFolder(t)
  await session(t, dir, noon)
  const names = ['logfile_22-11-26_12.00.01.log', 'logfile_22-11-26_12.00.02.log']
  for (const [index, name] of names.entries()) {
    writeFileSync(join(dir, name), 'of another program, or empty')
    utimesSync(join(dir, name), 1_000 - index, 1_000 - index)
  }
  assert.deepEqual(
    listLogs(dir).map(({ name }) => name),
    [...names.reverse(), 'logfile_22-11-26_12.00.00.log'],
  )
})

test('a session of the same second takes no name of the other, even if only a later file is left', async (t) => {
  const dir = makeFolder(t)
  writeFileSync(join(dir, 'logfile_22-11-26_12.00.00-2_7.log'), 'the rest of one\n')
  const { path } = open(t, dir)
  assert.equal(path, join(dir, 'logfile_22-11-26_12.00.00-3.log'))
})

test('the oldest sessions go first, and all of them together keep to the limit', async (t) => {
  const dir = makeFolder(t)
  for (let minute = 0; minute < 5; minute += 1) {
    await session(t, dir, new Date(2026, 10, 21, 12, minute), 20_000)
  }
  const { files, told } = open(t, dir, { maxTotalBytes: 100_000, maxFileBytes: 20_000 })
  let most = 0
  for (let at = 0; at < 5_000; at += 50) {
    await put(files, numbered(at, 50))
    most = Math.max(
      most,
      listLogs(dir).reduce((sum, { diskBytes }) => sum + diskBytes, 0),
    )
  }
  assert.ok(most <= 100_000, `${most}`)
  const left = listLogs(dir)
  assert.deepEqual([...new Set(left.map((file) => file.session))], [6], 'its own oldest went too')
  assert.ok(!left.some(({ part }) => part === 1))
  const numbers = numbersIn(textOf(dir))
  assert.deepEqual(
    numbers,
    upTo(5_000).slice(-numbers.length),
    'what is left is the newest, without holes',
  )
  assert.match(
    told[0] ?? '',
    /^deleted 2 old log files \(40 kB\) .*: logfile_21-11-26_12\.00\.00\.log to .*_12\.01\.00\.log$/,
  )
})

test('what is not ours is never touched, and links are not followed', async (t) => {
  const dir = makeFolder(t)
  const outside = join(makeFolder(t), 'precious')
  writeFileSync(outside, 'x'.repeat(50_000))
  symlinkSync(outside, join(dir, 'logfile_01-01-26_00.00.00.log'))
  mkdirSync(join(dir, 'logfile_02-01-26_00.00.00.log'))
  writeFileSync(join(dir, 'notes.txt'), 'x'.repeat(50_000))
  writeFileSync(join(dir, 'logfile_03-01-26_00.00.00.log.gz'), 'x'.repeat(50_000))
  // And where the session's own file should be, somebody has put a link.
  symlinkSync(outside, join(dir, 'logfile_22-11-26_12.00.00.log'))
  const before = readdirSync(dir)
  const { files } = open(t, dir, { maxTotalBytes: 20_000 })
  await put(files, numbered(0, 1_000))
  for (const name of before) assert.ok(readdirSync(dir).includes(name), name)
  assert.equal(statSync(outside).size, 50_000)
})

test('the number of files is limited too', async (t) => {
  const dir = makeFolder(t)
  for (let minute = 0; minute < 10; minute += 1)
    await session(t, dir, new Date(2026, 10, 21, 12, minute))
  open(t, dir, { maxNumber: 4 })
  assert.deepEqual(
    listLogs(dir)
      .map((file) => file.session)
      .sort(),
    [0, 10, 8, 9],
    'the new one, still empty, and the newest of the others',
  )
})

for (const how of [
  'the folder is deleted',
  'the folder is moved',
  'the file is deleted',
] as const) {
  test(`${how} while it is written: a new file is made, and says so`, async (t) => {
    const parent = makeFolder(t)
    const dir = join(parent, 'logs')
    const { files, told, path } = open(t, dir)
    await put(files, numbered(0, 10))
    if (how === 'the folder is deleted') rmSync(dir, { recursive: true })
    else if (how === 'the folder is moved') renameSync(dir, join(parent, 'old'))
    else unlinkSync(path ?? '')
    await put(files, numbered(10, 10))
    assert.deepEqual(
      listLogs(dir).map(({ name }) => name),
      ['logfile_22-11-26_12.00.00_2.log'],
    )
    assert.deepEqual(numbersIn(textOf(dir)), upTo(20).slice(10))
    assert.match(told.join(), /^the log file .*12\.00\.00\.log is gone/)
  })
}

test('without a folder it says so, and begins as soon as there can be one', async (t) => {
  const dir = join(makeFolder(t), 'logs')
  writeFileSync(dir, 'a file in the way')
  const { files, told, path } = open(t, dir)
  assert.equal(path, null)
  assert.match(told.join(), /^no log file in /)
  await assert.rejects(put(files, numbered(0, 1)), { code: 'EEXIST' })
  unlinkSync(dir)
  await put(files, numbered(0, 1))
  assert.deepEqual(numbersIn(textOf(dir)), [0])
  assert.equal(told.length, 1)
})

test('nothing is written after the end', async (t) => {
  const dir = makeFolder(t)
  const { files } = open(t, dir)
  files.close()
  await assert.rejects(files.write(Buffer.from('late\n')), { code: 'EBADF' })
  assert.equal(textOf(dir), '')
})

const skip = noSmallDisk()

test('when no further file can be begun, the old one goes on', { skip }, async (t) => {
  const dir = mountSmallDisk(t, 'size=8m,nr_inodes=50')
  const { files, told } = open(t, dir)
  await put(files, numbered(0, 10))
  const free = useUpInodes(dir, 0)
  await put(files, numbered(10, 490))
  assert.equal(listLogs(dir).length, 1)
  assert.equal(told.length, 1)
  assert.match(
    told[0] ?? '',
    /^no further log file can be begun: .*ENOSPC.*12\.00\.00\.log goes on$/,
  )
  free()
  await put(files, numbered(500, 100))
  assert.ok(listLogs(dir).length > 1)
  assert.deepEqual(numbersIn(textOf(dir)), upTo(600))
})

test('on a full disk the oldest sessions go, and it goes on', { skip }, async (t) => {
  const dir = mountSmallDisk(t, 'size=4m')
  for (let minute = 0; minute < 5; minute += 1) {
    await session(t, dir, new Date(2026, 10, 21, 12, minute), 200_000)
  }
  const { files } = open(t, dir, {
    minFreeShare: 0,
    maxFileBytes: 10_000_000,
    maxTotalBytes: 100_000_000,
  })
  fillDisk(dir)
  await put(files, numbered(0, 1_000))
  assert.deepEqual([...new Set(listLogs(dir).map((file) => file.session))], [0, 2, 3, 4, 5])
  await put(files, numbered(1_000, 3_000))
  assert.deepEqual([...new Set(listLogs(dir).map((file) => file.session))], [0, 3, 4, 5])
  const own = listLogs(dir).at(0)?.name ?? ''
  assert.deepEqual(numbersIn(readFileSync(join(dir, own), 'utf8')), upTo(4_000))
})

test('below the minimum of free space the oldest go before the disk is full', {
  skip,
}, async (t) => {
  const dir = mountSmallDisk(t, 'size=4m')
  for (let minute = 0; minute < 5; minute += 1) {
    await session(t, dir, new Date(2026, 10, 21, 12, minute), 200_000)
  }
  const filler = fillDisk(dir, 300_000)
  const { files } = open(t, dir, {
    minFreeBytes: 600_000,
    minFreeShare: 1,
    minKeptBytes: 0,
  })
  assert.deepEqual([...new Set(listLogs(dir).map((file) => file.session))], [0, 3, 4, 5])
  filler()
  await put(files, numbered(0, 10))
  assert.equal(listLogs(dir).length, 4)
})

test('with nothing left to delete, the newest lines still find their place', {
  skip,
}, async (t) => {
  const dir = mountSmallDisk(t, 'size=4m')
  const limits = { maxFileBytes: 10_000_000, maxTotalBytes: 100_000_000, minKeptBytes: 200_000 }
  const { files } = open(t, dir, { ...limits, minFreeBytes: 200_000, minFreeShare: 1 })
  await put(files, line(beginMark(1, 1)) + numbered(0, 2_000))
  fillDisk(dir)
  for (let at = 2_000; at < 20_000; at += 100) await putPatiently(files, numbered(at, 100))
  const left = listLogs(dir)
  for (const { bytes } of left) assert.ok(bytes <= 51_000, `${bytes}`)
  const numbers = numbersIn(textOf(dir))
  // A quarter less than what was there when the disk was full, at the worst.
  assert.ok(numbers.length > 1_400, `${numbers.length}`)
  assert.deepEqual(numbers, upTo(20_000).slice(-numbers.length))
})

/** As the sink does: what the disk does not take is tried again. */
async function putPatiently(files: SessionFiles, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  let failures = 0
  for (let at = 0; at < bytes.length; ) {
    try {
      at += await files.write(bytes.subarray(at))
    } catch (error) {
      assert.equal(codeOf(error), 'ENOSPC')
      failures += 1
      assert.ok(failures < 5, 'it must go on')
    }
  }
}

test('a full disk tears no line', { skip }, async (t) => {
  const dir = mountSmallDisk(t, 'size=1m')
  const { files, path } = open(t, dir, {
    minFreeShare: 0,
    maxFileBytes: 10_000_000,
    maxTotalBytes: 100_000_000,
    // Such a file is not ended for want of space.
    minKeptBytes: 100_000_000,
  })
  const bytes = Buffer.from(numbered(0, 20_000))
  let at = 0
  const full = async () => {
    while (at < bytes.length) at += await files.write(bytes.subarray(at))
  }
  await assert.rejects(full, { code: 'ENOSPC' })
  await assert.rejects(full, { code: 'ENOSPC' })
  const text = readFileSync(path ?? '', 'utf8')
  assert.equal(text.length, at)
  const numbers = numbersIn(text)
  assert.deepEqual(numbers, upTo(numbers.length))
  assert.ok(existsSync(path ?? ''))
})
