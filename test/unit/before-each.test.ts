import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { made, path } from '../../scripts/wasm.ts'
import { beforeEach } from '../../src/log/before-each.ts'

const start = '2026-11-21 22:40:01.123  r1 out      '

/** The same in one line of TypeScript. */
function expected(text: string, before = start): string {
  return text
    .replace(/\n$/, '')
    .replace(/^/gm, () => before)
    .concat('\n')
}

function answer(text: string, before = start): string | undefined {
  return beforeEach(before, Buffer.from(text, 'latin1'))?.toString('latin1')
}

test(`${path} is up to date (if not: npm run wasm)`, async () => {
  assert.equal(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), await made())
})

test('each line has the start before it, and the last an end', () => {
  assert.equal(answer('one\n\ntwo', '> '), '> one\n> \n> two\n')
  assert.equal(answer('one\n', ''), 'one\n')
  assert.equal(answer('\n', '> '), '> \n')
  assert.equal(answer('', '> '), '> \n')
})

test('what is plain is told right for each byte, wherever it stands', () => {
  for (const length of [1, 3, 7, 8, 9, 16, 25]) {
    for (let at = 0; at < length; at += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        const bytes = Buffer.alloc(length, 'x')
        bytes[at] = byte
        const isRight = byte === 0x09 || byte === 0x0a || (byte >= 0x20 && byte < 0x7f)
        const text = bytes.toString('latin1')
        assert.equal(answer(text), isRight ? expected(text) : undefined, `${byte} at ${at}`)
      }
    }
  }
})

test('lines of all lengths, after starts of all lengths', () => {
  for (let width = 0; width < 60; width += 1) {
    const before = `${'='.repeat(width)}`
    const text = Array.from({ length: 60 }, (_, at) => `${'\t'.repeat(at % 4)}${'y'.repeat(at)}\n`)
    assert.equal(answer(text.join(''), before), expected(text.join(''), before))
  }
})

test('what lay in the memory before changes nothing', () => {
  const short = 'short\nof two lines'
  for (const before of ['z'.repeat(200_000), '\n'.repeat(9_999), '\x00'.repeat(200_000)]) {
    answer(before)
    assert.equal(answer(short), expected(short))
  }
})

test('what is too much for its memory is left to others, and all that is less is done', () => {
  const isDone = (text: string, before = start): boolean => {
    const found = answer(text, before)
    if (found !== undefined) assert.ok(found === expected(text, before))
    return found !== undefined
  }
  assert.ok(isDone('x'.repeat(262_135)))
  assert.ok(!isDone('x'.repeat(262_136)))
  assert.ok(isDone('x', '='.repeat(1_024)))
  assert.ok(!isDone('x', '='.repeat(1_025)))
  // 48 pages, less what lies before the answer, less the 8 bytes that are written at once.
  const room = 48 * 65_536 - 263_168 - 8
  const lines = Math.floor(room / (start.length + 2)) - 1
  const rest = room - lines * (start.length + 2) - start.length
  for (let more = -20; more < 20; more += 1) {
    const text = `${'y\n'.repeat(lines)}${'z'.repeat(rest - 1 + more)}\n`
    assert.equal(isDone(text), more <= 0, `${more} bytes more than its room`)
  }
  assert.ok(isDone('after that'))
})
