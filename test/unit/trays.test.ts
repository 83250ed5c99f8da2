import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchBytes, openTrays, type Trays } from '../../src/log/trays.ts'

/** So many bytes of one letter, as a line. */
function line(letter: string, bytes: number): Buffer {
  return Buffer.from(`${letter.repeat(bytes - 1)}\n`)
}

/** All that waits, in the pieces in which it is taken. */
function takeAll(trays: Trays): string[] {
  const taken: string[] = []
  for (let batch = trays.take(); batch.length > 0; batch = trays.take()) {
    taken.push(String(batch))
    trays.clear()
  }
  return taken
}

test('lines come in their order, whole, in no more than what is written at once', () => {
  const trays = openTrays()
  const lines = [10, 20_000, 5, 100_000, 300_000, 200_000, 7].map((bytes, at) =>
    line(String(at), bytes),
  )
  for (const text of lines) trays.put(text)
  const taken = takeAll(trays)
  assert.equal(taken.join(''), lines.join(''))
  for (const batch of taken) assert.ok(batch.length <= batchBytes && batch.endsWith('\n'))
  assert.deepEqual(
    taken.map(({ length }) => length),
    [420_015, 200_007],
  )
})

test('a line that is longer than that comes by itself', () => {
  const trays = openTrays()
  const long = line('b', batchBytes + 1)
  for (const text of [line('a', 3), long, line('c', 3)]) trays.put(text)
  assert.deepEqual(takeAll(trays), ['aa\n', String(long), 'cc\n'])
})

test('what is put is a copy, and memory is used again only when it is written', () => {
  const trays = openTrays()
  const memory = line('a', 100_000)
  trays.put(memory)
  const first = trays.take()
  memory.fill('b')
  trays.put(memory)
  assert.equal(first[0], 'a'.charCodeAt(0))
  trays.clear()
  const second = trays.take()
  assert.notEqual(second.buffer, first.buffer)
  trays.put(memory)
  trays.clear()
  assert.equal(trays.take().buffer, first.buffer)
})

test('one tray stays for the next burst, however long the lines were', () => {
  const trays = openTrays()
  for (let round = 0; round < 3; round += 1) {
    for (const bytes of [300_000, 300_000, batchBytes + 1]) trays.put(line('a', bytes))
    takeAll(trays)
  }
  trays.put(line('b', 100_000))
  const { buffer } = trays.take()
  trays.clear()
  trays.rest()
  trays.put(line('c', 5))
  assert.equal(trays.take().buffer.byteLength, batchBytes)
  assert.ok(buffer.byteLength >= batchBytes)
})
