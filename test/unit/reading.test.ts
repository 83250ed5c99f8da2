import assert from 'node:assert/strict'
import { closeSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openPipe, widenPipe } from '../harness/pipes.ts'

test('all that is written comes, in its order, and nothing is read while a piece is looked at', async () => {
  const { read: reading, write: writer } = await openPipe()
  const parts: string[] = []
  let number = 0
  let isBusy = false
  async function look(piece: Buffer): Promise<void> {
    isBusy = true
    number += 1
    if (number < 200) writeSync(writer, `${`${number} `.repeat((number * 37) % 5_000)}.`)
    if (number === 200) closeSync(writer)
    // Whoever read too early would do it now: its memory is used again.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    parts.push(String(piece))
    isBusy = false
  }
  writeSync(writer, 'begin ')
  await reading.into((piece) => {
    assert.ok(!isBusy)
    // Every third is looked at at once.
    if (number >= 200 || number % 3 > 0) return look(piece)
    number += 1
    parts.push(String(piece))
    writeSync(writer, `${`${number} `.repeat((number * 37) % 5_000)}.`)
    return null
  })
  const all = Array.from({ length: 199 }, (_, at) => `${at + 1} `.repeat(((at + 1) * 37) % 5_000))
  assert.equal(parts.join(''), `begin ${all.map((text) => `${text}.`).join('')}`)
  assert.ok(reading.isOver())
})

test('who fills it is read in larger pieces', async () => {
  const pipe = await openPipe()
  const { read: reading, write: writer } = pipe
  // The test must not be held up by its own pipe.
  await widenPipe(pipe)
  writeSync(writer, Buffer.alloc(500_000, 'x'))
  closeSync(writer)
  const sizes: number[] = []
  await reading.into(({ length }) => {
    sizes.push(length)
    return null
  })
  assert.deepEqual(sizes, [65_536, 131_072, 131_072, 131_072, 41_248])
})

test('a reading that is cut ends: before it begins, while it waits, and while a piece is looked at', async () => {
  for (const when of ['before', 'waiting', 'looking']) {
    const { read: reading, write: writer } = await openPipe()
    if (when === 'before') reading.cut()
    if (when === 'looking') writeSync(writer, 'a piece')
    const over = reading.into(() => {
      reading.cut()
      return new Promise(() => undefined)
    })
    if (when === 'waiting') reading.cut()
    await over
    assert.ok(reading.isOver())
    assert.throws(() => writeSync(writer, 'late'), { code: 'EPIPE' }, when)
    closeSync(writer)
  }
})

test('what was written before the writer was gone still comes', async () => {
  const { read: reading, write: writer } = await openPipe()
  writeSync(writer, 'last words')
  closeSync(writer)
  const parts: string[] = []
  await reading.into((piece) => {
    parts.push(String(piece))
    return null
  })
  assert.deepEqual(parts, ['last words'])
})

test('a mistake of who takes a piece ends the reading, and is told', async () => {
  for (const isLate of [false, true]) {
    const { read: reading, write: writer } = await openPipe()
    writeSync(writer, 'a piece')
    const over = reading.into(() => {
      if (isLate) return Promise.reject(new Error('a mistake'))
      throw new Error('a mistake')
    })
    await assert.rejects(over, /a mistake/)
    assert.ok(reading.isOver())
    closeSync(writer)
  }
})
