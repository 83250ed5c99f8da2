import assert from 'node:assert/strict'
import { closeSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openPipe, widenPipe } from '../harness/pipes.ts'

test('all that is written comes, in its order, though its memory is used again', async () => {
  const { read: reading, write: writer } = await openPipe()
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

test('who fills it is read in larger pieces', async () => {
  const pipe = await openPipe()
  const { read: reading, write: writer } = pipe
  // The test must not be held up by its own pipe.
  await widenPipe(pipe)
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

test('a reading that is cut ends, also one that waits', async () => {
  const { read: reading, write: writer } = await openPipe()
  const pieces = reading.pieces[Symbol.asyncIterator]()
  const next = pieces.next()
  reading.cut()
  assert.deepEqual(await next, { done: true, value: undefined })
  assert.ok(reading.isOver())
  assert.throws(() => writeSync(writer, 'late'), { code: 'EPIPE' })
  closeSync(writer)
})

test('what is read already still comes, when it is cut and when the writer is gone', async () => {
  for (const isCut of [true, false]) {
    const { read: reading, write: writer } = await openPipe()
    writeSync(writer, 'last words')
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    closeSync(writer)
    if (isCut) reading.cut()
    const parts: string[] = []
    for await (const piece of reading.pieces) parts.push(String(piece))
    assert.deepEqual(parts, ['last words'])
  }
})
