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

test('memory is kept through the small pieces of a flood, and given back after many', async () => {
  const { read: reading, write: writer } = await openPipe()
  let said = 0
  const memories: number[] = []
  function goOn(): void {
    said += 1
    // Each third of the first is all that a pipe holds.
    if (said < 100) writeSync(writer, Buffer.alloc(said < 10 && said % 3 === 0 ? 65_536 : 10))
    else closeSync(writer)
  }
  writeSync(writer, Buffer.alloc(65_536))
  await reading.into(({ buffer }) => {
    memories.push(buffer.byteLength)
    goOn()
    return null
  })
  assert.deepEqual(memories.slice(0, 3), [65_536, 131_072, 131_072])
  assert.equal(memories.lastIndexOf(131_072), 9 + 64)
  assert.ok(memories.slice(9 + 65).every((bytes) => bytes === 65_536))
})

/** Turns of the event loop in which something could happen that must not. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn()
}

test('a reading that is cut ends, before it begins and while it waits', async () => {
  for (const isBegun of [false, true]) {
    const { read: reading, write: writer } = await openPipe()
    if (!isBegun) reading.cut()
    const over = reading.into(() => assert.fail('nothing was written'))
    await someTurns()
    if (isBegun) reading.cut()
    await over
    assert.ok(reading.isOver())
    assert.throws(() => writeSync(writer, 'late'), { code: 'EPIPE' })
    closeSync(writer)
  }
})

test('who looks at a piece is waited for: when it is cut meanwhile, and when the end has come', async () => {
  for (const isCut of [true, false]) {
    const { read: reading, write: writer } = await openPipe()
    writeSync(writer, 'last words')
    if (!isCut) closeSync(writer)
    const parts: string[] = []
    await reading.into(async (piece) => {
      if (isCut) reading.cut()
      await someTurns()
      parts.push(String(piece))
    })
    assert.deepEqual(parts, ['last words'])
    assert.ok(reading.isOver())
    if (isCut) closeSync(writer)
  }
})

test('a mistake of who takes a piece ends the reading, and is told', async () => {
  const mistakes = {
    'at once': () => {
      throw new Error('a mistake')
    },
    later: async () => {
      await someTurns()
      throw new Error('a mistake')
    },
  }
  for (const mistake of Object.values(mistakes)) {
    for (const isCut of [false, true]) {
      const { read: reading, write: writer } = await openPipe()
      writeSync(writer, 'a piece')
      const over = reading.into(() => {
        if (isCut) reading.cut()
        return mistake()
      })
      if (isCut && mistake === mistakes['at once']) await over
      else await assert.rejects(over, /a mistake/)
      assert.ok(reading.isOver())
      closeSync(writer)
    }
  }
})
