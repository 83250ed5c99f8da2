import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, open, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import type { Writers } from '../../src/model.ts'
import { findInterpreter, type Interpreter } from '../../src/python/interpreter.ts'
import { openWriters } from '../../src/python/writers.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { isLiving, until } from '../harness/processes.ts'
import { makeFolder } from '../harness/tools.ts'

let python: Interpreter
before(async () => {
  python = await findInterpreter()
})

/** The helper, and a folder with files to ask about; it ends with the test. */
async function openHelper(
  t: TestContext,
  timeoutMs = 10_000,
): Promise<{ writers: Writers; dir: string }> {
  const dir = await makeFolder(t)
  const writers = openWriters(python, timeoutMs)
  afterwards(t, () => writers.close())
  return { writers, dir }
}

const asked = (...paths: string[]) => paths.map((path) => Buffer.from(path))

/** The helpers that this process has started: they run lease.py. */
function helpers(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isLiving(pid) && isHelper(pid))
}

function isHelper(pid: number): boolean {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    const isOurs = Number(parent) === process.pid
    return isOurs && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('lease.py')
  } catch {
    return false
  }
}

test('a file that nobody writes is free, also while somebody reads it', async (t) => {
  const { writers, dir } = await openHelper(t)
  const path = join(dir, 'a')
  await writeFile(path, 'x')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  const reader = openSync(path, 'r')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  closeSync(reader)
})

for (const flags of ['w', 'r+', 'a']) {
  test(`a file that is open with "${flags}" is busy, until it is closed`, async (t) => {
    const { writers, dir } = await openHelper(t)
    const path = join(dir, 'a')
    await writeFile(path, 'x')
    const file = await open(path, flags)
    assert.deepEqual(await writers.ask(asked(path)), ['busy'])
    await file.close()
    assert.deepEqual(await writers.ask(asked(path)), ['free'])
  })
}

test('a file that another process writes through a mapping alone, its descriptor closed, is busy', async (t) => {
  const { writers, dir } = await openHelper(t)
  const path = join(dir, 'a')
  await writeFile(path, 'x'.repeat(4_096))
  const script =
    'import mmap, os, sys\n' +
    'handle = os.open(sys.argv[1], os.O_RDWR)\n' +
    'mapped = mmap.mmap(handle, 4096)\n' +
    'os.close(handle)\n' +
    'print("mapped", flush=True)\n' +
    'sys.stdin.read()\n'
  const child = spawn(python.path, ['-c', script, path], { env: cleanEnvironment(), stdio: 'pipe' })
  afterwards(t, () => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  assert.deepEqual(await writers.ask(asked(path)), ['busy'])
  child.stdin.end()
  await once(child, 'exit')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
})

test('what is no file any more is gone; answers come in the order of the questions', async (t) => {
  const { writers, dir } = await openHelper(t)
  const [free, busy, link] = ['free', 'busy', 'link'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [free, busy]) await writeFile(path, 'x')
  await symlink(free, link)
  const file = await open(busy, 'a')
  const paths = [join(dir, 'no/such'), busy, free, link, join(free, 'below a file'), busy]
  assert.deepEqual(await writers.ask(asked(...paths)), [
    'gone',
    'busy',
    'free',
    'gone',
    'gone',
    'busy',
  ])
  await file.close()
})

test('names may be anything that a file can be called', async (t) => {
  const { writers, dir } = await openHelper(t)
  const names = ['line\nbreak', ' ', 'ünïcödé', 'x'.repeat(255)].map((name) =>
    Buffer.from(`${dir}/${name}`),
  )
  const paths = [...names, Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0xfe, 0x0a])])]
  for (const path of paths) await writeFile(path, 'x')
  assert.deepEqual(
    await writers.ask(paths),
    paths.map(() => 'free'),
  )
})

test('20,000 paths are one question, and questions that come together are answered each', async (t) => {
  const { writers, dir } = await openHelper(t)
  const path = join(dir, 'a')
  await writeFile(path, 'x')
  const many = Array.from({ length: 20_000 }, (_, index) =>
    index % 2 === 0 ? path : `${path}${index}`,
  )
  const [all, one, none] = await Promise.all([
    writers.ask(asked(...many)),
    writers.ask(asked(path)),
    writers.ask([]),
  ])
  assert.deepEqual(
    all,
    many.map((_, index) => (index % 2 === 0 ? 'free' : 'gone')),
  )
  assert.deepEqual([one, none], [['free'], []])
  assert.equal(helpers().length, 1)
})

test('a helper that was killed is started again', async (t) => {
  const { writers, dir } = await openHelper(t)
  const path = join(dir, 'a')
  await writeFile(path, 'x')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  const [first] = helpers()
  assert.ok(first !== undefined)
  process.kill(first, 'SIGKILL')
  // At once, before its end is known, and after it.
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  await until('the first is gone', () => !isLiving(first))
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  assert.deepEqual(helpers().length, 1)
})

test('a helper that does not answer is given up, and the next question has another', async (t) => {
  const { writers, dir } = await openHelper(t, 1_000)
  const path = join(dir, 'a')
  await writeFile(path, 'x')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  const [first] = helpers()
  assert.ok(first !== undefined)
  process.kill(first, 'SIGSTOP')
  assert.deepEqual(await writers.ask(asked(path)), ['free'])
  await until('the first is gone', () => !isLiving(first))
})

test('a helper that is not asked for a while ends, and the next question has another', async (t) => {
  const dir = await makeFolder(t)
  const writers = openWriters(python, 10_000, 200)
  afterwards(t, () => writers.close())
  const path = join(dir, 'a')
  await writeFile(path, 'x')
  for (let round = 0; round < 3; round += 1) {
    // Also many questions at once: none of them meets a helper that is leaving.
    const all = await Promise.all(Array.from({ length: 20 }, () => writers.ask(asked(path))))
    assert.deepEqual(new Set(all.flat()), new Set(['free']))
    await until('the helper is gone', () => helpers().length === 0)
  }
})

test('without a Python nothing is known, and nothing fails', async (t) => {
  const dir = await makeFolder(t)
  const writers = openWriters({ ...python, path: join(dir, 'no-python') }, 10_000)
  assert.deepEqual(await writers.ask(asked(dir, dir)), ['unknown', 'unknown'])
  await writers.close()
})

test('after close() there is no process', async (t) => {
  const { writers, dir } = await openHelper(t)
  await writers.ask(asked(dir))
  const [pid] = helpers()
  assert.ok(pid !== undefined)
  await writers.close()
  assert.equal(isLiving(pid), false)
  assert.deepEqual(helpers(), [])
  await writers.close()
})

test('a folder in the place of a file is nothing that could be claimed as one', async (t) => {
  const { writers, dir } = await openHelper(t)
  await mkdir(join(dir, 'a'))
  assert.notDeepEqual(await writers.ask(asked(join(dir, 'a'))), ['busy'])
  await rm(join(dir, 'a'), { recursive: true })
})
