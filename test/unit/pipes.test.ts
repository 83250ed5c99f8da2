import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../src/system/command.ts'
import { gathered, openPipes, type Pipe } from '../../src/system/pipes.ts'
import type { Take } from '../../src/system/reading.ts'
import { openPipe, takeOne, widenPipe } from '../harness/pipes.ts'
import { makeFolder } from '../harness/tools.ts'

/** All that comes from it, to its end. */
async function textOf({ read }: Pipe): Promise<string> {
  let text = ''
  await read.into((piece) => {
    text += String(piece)
    return null
  })
  return text
}

/** Puts a value into the environment for the time of a test. */
function setVariable(t: TestContext, name: string, value: string): void {
  const before = process.env[name]
  process.env[name] = value
  t.after(() => {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  })
}

test('what is written is read, and the end comes when nobody can write any more; again and again', async () => {
  const pipes = await openPipes(2)
  for (const round of ['one', 'two', 'three']) {
    const [first, second] = (await pipes.take()) ?? []
    assert.ok(first !== undefined && second !== undefined)
    writeSync(first.write, `${round} out`)
    writeSync(second.write, `${round} err`)
    for (const { write } of [first, second]) closeSync(write)
    assert.equal(await textOf(first), `${round} out`)
    assert.equal(await textOf(second), `${round} err`)
  }
})

test('who still has an old pipe open does not write into the next', async () => {
  const pipes = await openPipes(1)
  const old = await takeOne(pipes)
  writeSync(old.write, 'unread')
  old.read.cut()
  const next = await takeOne(pipes)
  assert.throws(() => writeSync(old.write, 'late'), { code: 'EPIPE' })
  writeSync(next.write, 'new')
  closeSync(next.write)
  assert.equal(await textOf(next), 'new')
  closeSync(old.write)
})

test('no name stays on the disk', async (t) => {
  const folder = await makeFolder(t)
  setVariable(t, 'TMPDIR', folder)
  const pipes = await openPipes(1)
  const { read, write } = await takeOne(pipes)
  assert.deepEqual(readdirSync(folder), [])
  closeSync(write)
  read.cut()
})

test('without a place for them there are none', async (t) => {
  setVariable(t, 'TMPDIR', `${await makeFolder(t)}/missing`)
  assert.equal(await (await openPipes(1)).take(), null)
})

test('without mkfifo there are none, and nothing is left behind', async (t) => {
  const folder = await makeFolder(t)
  setVariable(t, 'TMPDIR', folder)
  setVariable(t, 'PATH', folder)
  assert.equal(await (await openPipes(1)).take(), null)
  assert.deepEqual(readdirSync(folder), [])
})

const noFlood = () => assert.fail('that is no flood')

test('little is read at once; what is written while nobody reads comes in large pieces', async () => {
  const pipe = await openPipe()
  const pieces: string[] = []
  async function goOn(): Promise<void> {
    for (let number = 0; number < 3; number += 1) {
      writeSync(pipe.write, `${number} `)
      await nextTurn()
    }
    closeSync(pipe.write)
  }
  let goingOn: Promise<void> | null = null
  const take = (piece: Buffer): null => {
    pieces.push(String(piece))
    goingOn ??= goOn()
    return null
  }
  writeSync(pipe.write, 'first')
  // Longer than a busy machine takes for three turns.
  await pipe.read.into(gathered(take, 500, noFlood))
  await goingOn
  const numbers = Array.from({ length: 3 }, (_, at) => `${at} `)
  assert.deepEqual(pieces, ['first', numbers.join('')])
})

test('the next is waited for only after a small piece, and as long as who took it wants', async () => {
  const take = gathered(() => null, 1, noFlood)
  assert.equal(take(Buffer.alloc(4_096)), null)
  assert.notEqual(take(Buffer.alloc(4_095)), null)
  let isRoom = false
  const slow = gathered(
    async () => {
      for (let turn = 0; turn < 100; turn += 1) await nextTurn()
      isRoom = true
    },
    1,
    noFlood,
  )
  for (const bytes of [1, 4_096]) {
    isRoom = false
    await slow(Buffer.alloc(bytes))
    assert.ok(isRoom, `${bytes} bytes`)
  }
})

test('more is left to grow once the pipe is wide, and only then', async () => {
  for (const isWide of [true, false]) {
    const take = gathered(
      () => null,
      100,
      async () => isWide,
    )
    assert.equal(await waited(take), 'a pause')
    for (let many = 0; many < 8; many += 1) void take(Buffer.alloc(32_768))
    await nextTurn()
    assert.equal(await waited(take), isWide ? 'more than two pauses' : 'a pause')
  }

  /** How long nothing is read after a small piece. The two timers are begun one right after the other. */
  async function waited(take: Take): Promise<string> {
    const twice = sleep(200).then(() => 'more than two pauses')
    const waits = Promise.resolve(take(Buffer.alloc(1))).then(() => 'a pause')
    return Promise.race([twice, waits])
  }
})

/** How many bytes a pipe holds. A description of its own is asked: to hand over one makes it block. */
async function sizeOf({ from }: Pipe): Promise<number> {
  const own = openSync(`/proc/self/fd/${from}`, constants.O_RDONLY | constants.O_NONBLOCK)
  const asked = ['-c', 'import fcntl; print(fcntl.fcntl(0, 1032))']
  const { stdout } = await command('python3', asked, { stdin: own })
  closeSync(own)
  return Number(stdout)
}

function flagsOf({ from }: Pipe): number {
  const text = readFileSync(`/proc/self/fdinfo/${from}`, 'utf8')
  return Number.parseInt(/^flags:\s+(\d+)$/m.exec(text)?.[1] ?? '', 8)
}

test('a flood is told of once, and the pipe can be made to hold more', async () => {
  const pipe = await openPipe()
  assert.equal(await sizeOf(pipe), 65_536)
  let floods = 0
  const take = gathered(
    () => null,
    1,
    async () => {
      floods += 1
      return false
    },
  )
  for (let number = 0; number < 30; number += 1) {
    void take(Buffer.alloc(number % 2 === 0 ? 40_000 : 100, 'x'))
    assert.equal(floods, number < 14 ? 0 : 1, `${number}`)
  }
  await widenPipe(pipe)
  assert.equal(await sizeOf(pipe), 1_048_576)
  assert.equal(
    flagsOf(pipe) & constants.O_NONBLOCK,
    constants.O_NONBLOCK,
    'or a read could stop us',
  )
  closeSync(pipe.write)
  pipe.read.cut()
})
