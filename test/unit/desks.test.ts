import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchBytes, openDesks } from '../../src/log/desks.ts'

/** So many bytes of one letter, as a line. */
function line(letter: string, bytes: number): Buffer {
  return Buffer.from(`${letter.repeat(bytes - 1)}\n`)
}

/** All that waits, in the pieces in which it is taken. */
function takeAll(desks: ReturnType<typeof openDesks>): string[] {
  const taken: string[] = []
  for (let batch = desks.take(); batch.length > 0; batch = desks.take()) {
    taken.push(String(batch))
    desks.isWritten()
  }
  return taken
}

test('lines come in their order, whole, in no more than what is written at once', () => {
  const desks = openDesks()
  const lines = [10, 20_000, 5, 100_000, 300_000, 200_000, 7].map((bytes, at) =>
    line(String(at), bytes),
  )
  for (const text of lines) desks.put(text)
  const taken = takeAll(desks)
  assert.equal(taken.join(''), lines.join(''))
  for (const batch of taken) assert.ok(batch.length <= batchBytes && batch.endsWith('\n'))
  assert.ok(taken.length <= 4, `${taken.length} batches`)
})

test('a line that is longer than that comes by itself', () => {
  const desks = openDesks()
  const long = line('b', batchBytes + 1)
  for (const text of [line('a', 3), long, line('c', 3)]) desks.put(text)
  assert.deepEqual(takeAll(desks), ['aa\n', String(long), 'cc\n'])
})

test('what is put is a copy, and memory is used again only when it is written', () => {
  const desks = openDesks()
  const memory = line('a', 100_000)
  desks.put(memory)
  const first = desks.take()
  memory.fill('b')
  desks.put(memory)
  assert.equal(first[0], 'a'.charCodeAt(0))
  desks.isWritten()
  const second = desks.take()
  assert.notEqual(second.buffer, first.buffer)
  desks.put(memory)
  desks.isWritten()
  assert.equal(desks.take().buffer, first.buffer)
})
