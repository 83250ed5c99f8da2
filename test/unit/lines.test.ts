import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCutter } from '../../src/program/lines.ts'

/** What a cutter makes of the chunks. They come in the same memory: what it holds back must be a copy. */
function piecesOf(texts: readonly string[], maxBytes = 10): Buffer[] {
  const memory = Buffer.alloc(Math.max(0, ...texts.map(({ length }) => length)))
  const cutter = openCutter(maxBytes)
  const pieces = texts.flatMap((text) => {
    memory.fill('?')
    const chunk = memory.subarray(0, memory.write(text, 'latin1'))
    return cutter.add(chunk).map((piece) => Buffer.from(piece))
  })
  return [...pieces, ...cutter.end()]
}

function cut(texts: readonly string[]): string[] {
  return piecesOf(texts).flatMap((piece) => piece.toString('latin1').replace(/\n$/, '').split('\n'))
}

test('whole lines come together, with their ends', () => {
  const pieces = piecesOf(['one\n\ntwo\r\nth', 'ree\nfo', 'ur']).map(String)
  assert.deepEqual(pieces, ['one\n\ntwo\r\n', 'three\n', 'four'])
})

test('a line may come in any number of pieces', () => {
  assert.deepEqual(cut(['o', 'n', 'e', '\n', '\n', 'tw', 'o', '\n']), ['one', '', 'two'])
})

test('what has no line end at the end of the stream is a line', () => {
  assert.deepEqual(cut(['one\ntw', 'o']), ['one', 'two'])
  assert.deepEqual(cut([]), [])
})

test('a line that is too long comes in pieces', () => {
  const pieces = ['0123456789', 'abcdefghij', '+']
  assert.deepEqual(cut(['0123456789abcdefghij+\n']), pieces)
  assert.deepEqual(cut(['01234', '56789abc', 'defghij+', '\n']), pieces)
})

test('a line that is cut is not cut within a character', () => {
  const text = 'Temperatur: 21 °C, 温度 🙂'.repeat(20)
  for (let maxBytes = 4; maxBytes < 20; maxBytes += 1) {
    const pieces = piecesOf([Buffer.from(text).toString('latin1')], maxBytes)
    assert.ok(pieces.every(({ length }) => length <= maxBytes))
    assert.equal(pieces.map(String).join(''), text)
  }
})

test('a line of just the longest size is one line, wherever its chunks end', () => {
  const text = '0123456789\nnext\n'
  for (let at = 0; at <= text.length; at += 1) {
    const chunks = [text.slice(0, at), text.slice(at)]
    assert.deepEqual(cut(chunks), ['0123456789', 'next'], `cut at ${at}`)
  }
})

test('the lines of a stream are the same, however it is chunked', () => {
  const text = 'a\n0123456789abcdefghijk\n\n0123456789abcdefghij\nlast'
  const whole = cut([text])
  for (let size = 1; size < text.length; size += 1) {
    const chunks = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []
    assert.deepEqual(cut(chunks), whole, `chunks of ${size}`)
  }
})
