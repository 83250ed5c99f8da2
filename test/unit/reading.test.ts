import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Reading, readDescriptor } from '../../src/system/reading.ts'
import { makeFolder } from '../harness/tools.ts'

/** A pipe, one end of which is read. */
async function openPipe(t: TestContext): Promise<{ reading: Reading; writer: number }> {
  const path = join(await makeFolder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { reading: readDescriptor(reader), writer: openSync(path, 'w') }
}

test('all that is written comes, in its order, though its memory is used again', async (t) => {
  const { reading, writer } = await openPipe(t)
  const parts: string[] = []
  let number = 0
  writeSync(writer, 'begin ')
  for await (const piece of reading.pieces) {
    number += 1
    if (number < 200) writeSync(writer, `${`${number} `.repeat((number * 37) % 5_000)}.`)
    if (number === 200) closeSync(writer)
    // Whoever read too early would do it now.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    parts.push(String(piece))
  }
  const all = Array.from({ length: 199 }, (_, at) => `${at + 1} `.repeat(((at + 1) * 37) % 5_000))
  assert.equal(parts.join(''), `begin ${all.map((text) => `${text}.`).join('')}`)
  assert.ok(reading.isOver())
})

test('who fills it is read in larger pieces', async (t) => {
  const { reading, writer } = await openPipe(t)
  const path = `/proc/self/fd/${writer}`
  // F_SETPIPE_SZ: the test must not be held up by its own pipe.
  const widen = 'import fcntl; fcntl.fcntl(0, 1031, 1048576)'
  const own = openSync(path, 'w')
  execFileSync('python3', ['-c', widen], { stdio: [own, 'inherit', 'inherit'] })
  closeSync(own)
  const pieces = reading.pieces[Symbol.asyncIterator]()
  writeSync(writer, Buffer.alloc(500_000, 'x'))
  const sizes: number[] = []
  for (let left = 500_000; left > 0; left -= sizes.at(-1) ?? 0) {
    sizes.push(((await pieces.next()).value as Buffer).length)
  }
  assert.deepEqual(sizes, [65_536, 131_072, 131_072, 131_072, 41_248])
  closeSync(writer)
  reading.cut()
})

test('a reading that is cut ends, also one that waits', async (t) => {
  const { reading, writer } = await openPipe(t)
  const pieces = reading.pieces[Symbol.asyncIterator]()
  const next = pieces.next()
  reading.cut()
  assert.deepEqual(await next, { done: true, value: undefined })
  assert.ok(reading.isOver())
  assert.throws(() => writeSync(writer, 'late'), { code: 'EPIPE' })
  closeSync(writer)
})

test('what is read already still comes, when it is cut and when the writer is gone', async (t) => {
  for (const isCut of [true, false]) {
    const { reading, writer } = await openPipe(t)
    writeSync(writer, 'last words')
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    closeSync(writer)
    if (isCut) reading.cut()
    const parts: string[] = []
    for await (const piece of reading.pieces) parts.push(String(piece))
    assert.deepEqual(parts, ['last words'])
  }
})
