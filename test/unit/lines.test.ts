import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lines } from '../../src/program/lines.ts'

/** All in one memory: a chunk is good until the next is asked for. */
async function* chunksOf(texts: readonly string[]): AsyncGenerator<Buffer> {
  const memory = Buffer.alloc(Math.max(0, ...texts.map(({ length }) => length)))
  for (const text of texts) {
    memory.fill('?')
    yield memory.subarray(0, memory.write(text, 'latin1'))
  }
}

async function cut(texts: readonly string[], maxBytes = 10): Promise<string[]> {
  const found: string[] = []
  for await (const piece of lines(chunksOf(texts), maxBytes)) {
    const text = piece.toString('latin1')
    found.push(...text.replace(/\n$/, '').split('\n'))
  }
  return found
}

test('whole lines come together, with their ends', async () => {
  const pieces: string[] = []
  for await (const piece of lines(chunksOf(['one\n\ntwo\r\nth', 'ree\nfo', 'ur']), 10)) {
    pieces.push(piece.toString('latin1'))
  }
  assert.deepEqual(pieces, ['one\n\ntwo\r\n', 'three\n', 'four'])
})

test('a line may come in any number of pieces', async () => {
  assert.deepEqual(await cut(['o', 'n', 'e', '\n', '\n', 'tw', 'o', '\n']), ['one', '', 'two'])
})

test('what has no line end at the end of the stream is a line', async () => {
  assert.deepEqual(await cut(['one\ntw', 'o']), ['one', 'two'])
  assert.deepEqual(await cut([]), [])
})

test('a line that is too long comes in pieces', async () => {
  const pieces = ['0123456789', 'abcdefghij', '+']
  assert.deepEqual(await cut(['0123456789abcdefghij+\n']), pieces)
  assert.deepEqual(await cut(['01234', '56789abc', 'defghij+', '\n']), pieces)
})

test('a line that is cut is not cut within a character', async () => {
  const text = 'Temperatur: 21 °C, 温度 🙂'.repeat(20)
  for (let maxBytes = 4; maxBytes < 20; maxBytes += 1) {
    const pieces: string[] = []
    const chunks = chunksOf([Buffer.from(text).toString('latin1')])
    for await (const piece of lines(chunks, maxBytes)) {
      assert.ok(piece.length <= maxBytes)
      pieces.push(piece.toString('utf8'))
    }
    assert.equal(pieces.join(''), text)
  }
})

test('a line of just the longest size is one line, wherever its chunks end', async () => {
  const text = '0123456789\nnext\n'
  for (let at = 0; at <= text.length; at += 1) {
    const chunks = [text.slice(0, at), text.slice(at)]
    assert.deepEqual(await cut(chunks), ['0123456789', 'next'], `cut at ${at}`)
  }
})

test('the lines of a stream are the same, however it is chunked', async () => {
  const text = 'a\n0123456789abcdefghijk\n\n0123456789abcdefghij\nlast'
  const whole = await cut([text])
  for (let size = 1; size < text.length; size += 1) {
    const chunks = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []
    assert.deepEqual(await cut(chunks), whole, `chunks of ${size}`)
  }
})

test('a stream that breaks off gives what it had before it fails', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('one\nlast words')
    throw new Error('cut')
  }
  const found: string[] = []
  const reading = async () => {
    for await (const piece of lines(broken(), 100)) found.push(piece.toString())
  }
  await assert.rejects(reading, /cut/)
  assert.deepEqual(found, ['one\n', 'last words'])
})
