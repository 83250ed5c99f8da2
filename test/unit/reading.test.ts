import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { readSocket } from '../../src/system/reading.ts'
import { openPipe, widenPipe } from '../harness/pipes.ts'
import { until } from '../harness/processes.ts'

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

test('the rest is what is in it: all of that, and nothing of those who go on', async () => {
  for (const isBegun of [false, true]) {
    const pipe = await openPipe()
    await widenPipe(pipe)
    const { read: reading, write: writer } = pipe
    const text = Array.from({ length: 80_000 }, (_, at) => `${at} `).join('')
    writeSync(writer, text)
    const parts: string[] = []
    const over = reading.into(async (piece) => {
      await someTurns()
      parts.push(String(piece))
    })
    if (isBegun) await until('a piece is taken', () => parts.length > 0)
    await reading.rest()
    await over
    assert.equal(parts.join(''), text)
    assert.ok(reading.isOver())
    assert.throws(() => writeSync(writer, 'late'), { code: 'EPIPE' })
    closeSync(writer)
  }
})

test('who talks or floods for ever does not keep the rest from being over', async () => {
  for (const more of [Buffer.from('still here'), Buffer.alloc(65_536)]) {
    const { read: reading, write: writer } = await openPipe()
    writeSync(writer, more)
    let bytes = 0
    const over = reading.into(async (piece) => {
      bytes += piece.length
      await nextTurn()
      writeSync(writer, more)
    })
    await reading.rest()
    await over
    assert.ok(bytes >= more.length && bytes <= 1_048_576 + 2 * 131_072, `${bytes}`)
    closeSync(writer)
  }
})

test('the rest of what is over, or cut, is nothing', async () => {
  for (const isCut of [true, false]) {
    const { read: reading, write: writer } = await openPipe()
    if (!isCut) closeSync(writer)
    const over = reading.into(() => assert.fail('nothing was written'))
    if (isCut) reading.cut()
    else await over
    await reading.rest()
    await over
    if (isCut) closeSync(writer)
  }
})

test('a mistake of who takes the rest is told where the reading began', async () => {
  const { read: reading, write: writer } = await openPipe()
  writeSync(writer, 'a piece')
  const over = reading.into(async () => {
    await someTurns()
    throw new Error('a mistake')
  })
  const told = assert.rejects(over, /a mistake/)
  await reading.rest()
  await told
  closeSync(writer)
})

test('a socket of a child is read to its end, in its order, and its rest also when a stranger goes on talking', async () => {
  const lines = Array.from({ length: 30_000 }, (_, at) => `${at}\n`).join('')
  const stranger = 'while echo still here; do sleep 0.01; done 2>/dev/null &'
  // With many turns the child ends while a piece is still looked at.
  for (const script of ['seq 0 29999', `seq 0 29999; ${stranger}`]) {
    for (const turns of [1, 50]) {
      const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
      const exited = once(child, 'exit')
      const reading = readSocket(child.stdout)
      const parts: string[] = []
      let isBusy = false
      const over = reading.into(async (piece) => {
        assert.ok(!isBusy)
        isBusy = true
        for (let turn = 0; turn < turns; turn += 1) await nextTurn()
        parts.push(String(piece))
        isBusy = false
      })
      if (script.includes('&')) {
        await exited
        await reading.rest()
      }
      await over
      assert.equal(parts.join('').replace(/(still here\n)*$/, ''), lines)
      assert.ok(child.stdout.destroyed)
    }
  }
})
