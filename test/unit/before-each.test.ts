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

test('what is too much for its memory is left to others, and what is just not too much is done', () => {
  const results = [1, 2, 3, 4, 5, 7, 9, 16, 100, 1_000].map((length) => {
    const line = `${'x'.repeat(length - 1)}\n`
    const most = Array.from({ length: 40 }, (_, at) => line.repeat(((at + 1) * 8_192) / length))
    const done = most.filter((text) => {
      const found = answer(text)
      assert.ok(found === undefined || found === expected(text))
      return found !== undefined
    })
    return done.at(-1)?.length ?? 0
  })
  assert.ok((results[0] ?? 0) < 40_000, 'empty lines grow most')
  assert.ok((results.at(-1) ?? 0) > 240_000)
  for (let bytes = 262_100; bytes < 262_200; bytes += 1) {
    const found = answer('x'.repeat(bytes))
    assert.ok(found === undefined || found === expected('x'.repeat(bytes)), String(bytes))
  }
  assert.equal(answer('x', '='.repeat(2_000)), undefined)
  assert.equal(answer('after that'), expected('after that'))
})
