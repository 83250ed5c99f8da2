import assert from 'node:assert/strict'
import { closeSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { defaults } from '../../src/config.ts'
import type { Log } from '../../src/model.ts'
import { carryOutput, type Output, type Source } from '../../src/program/output.ts'
import { openPipe } from '../harness/pipes.ts'
import { silent } from '../harness/silence.ts'
import { makeSite } from '../harness/site.ts'

/** A source that has nothing to say. */
const mute: Source = { into: async () => undefined, rest: async () => undefined, pipe: null }

/** Carries stdout to a log, with lines of 10 bytes at most. */
async function carry(t: TestContext, into: Source['into'], log: Partial<Log>): Promise<Output> {
  const site = await makeSite(t, { log: { ...defaults.log, maxLineBytes: 10 } })
  const sources = { out: { ...mute, into }, err: mute }
  return carryOutput(sources, async () => ({}), 'r1', site, { ...silent, ...log })
}

test('what a program said before its pipe broke off stands before the trouble', async (t) => {
  const said: string[] = []
  const output = await carry(
    t,
    async (take) => {
      await take(Buffer.from('one\nlast words'))
      throw new Error('i/o error')
    },
    { output: (_, { bytes }) => said.push(String(bytes)), warn: (text) => said.push(text) },
  )
  await output.drained()
  assert.deepEqual(said, ['one\n', 'last words', 'i/o error'])
})

test('of much that is read at once, no more is logged than there is room for', async (t) => {
  const text = 'x'.repeat(100)
  const said: string[] = []
  let isRoom = true
  const output = await carry(
    t,
    async (take) => {
      await take(Buffer.from(text))
    },
    {
      output(_, { bytes }) {
        said.push(isRoom ? String(bytes) : 'no room')
        isRoom = false
      },
      room: () =>
        isRoom
          ? null
          : nextTurn().then(() => {
              isRoom = true
            }),
    },
  )
  await output.drained()
  assert.ok(said.length >= 10)
  assert.equal(said.join(''), text)
})

test('what the dead have said is logged whole, though others take the room for it and a stranger holds the pipe', async (t) => {
  const pipe = await openPipe()
  const text = 'a line\n'.repeat(9_000)
  writeSync(pipe.write, text)
  const said: string[] = []
  let asked = 0
  const log: Partial<Log> = {
    output: (_, { bytes }) => said.push(String(bytes)),
    // There is room at each third look only.
    room() {
      asked += 1
      return asked % 3 === 0 ? null : nextTurn()
    },
  }
  const site = await makeSite(t, {})
  const sources = { out: { ...pipe.read, pipe: null }, err: mute }
  const output = carryOutput(sources, async () => ({}), 'r1', site, { ...silent, ...log })
  await output.drained()
  assert.equal(said.join(''), text)
  assert.throws(() => writeSync(pipe.write, 'late'), { code: 'EPIPE' })
  closeSync(pipe.write)
})
