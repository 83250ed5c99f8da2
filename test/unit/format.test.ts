import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable, sessionName, timeText } from '../../src/log/format.ts'

const moment = new Date(2026, 2, 4, 5, 6, 7, 8)

test('times are written in full, so that they sort', () => {
  assert.equal(timeText(moment), '2026-03-04 05:06:07.008')
})

test('a session is named after its beginning; a second one of the same second is counted', () => {
  assert.equal(sessionName(moment, 1), 'logfile_04-03-26_05.06.07.log')
  assert.equal(sessionName(moment, 2), 'logfile_04-03-26_05.06.07-2.log')
})

test('text stays as it is', () => {
  for (const text of ['plain', 'tab\tstays', 'Käse, 温度 21 °C, 🙂']) {
    assert.equal(printable(Buffer.from(text)), text)
  }
})

test('control characters are written out: they cannot forge a line or upset a terminal', () => {
  assert.equal(printable(Buffer.from('\x1b[31m\x07\x00\x7f')), '\\x1b[31m\\x07\\x00\\x7f')
  assert.equal(printable(Buffer.from('back\rwards\nforged')), 'back\\rwards\\x0aforged')
  assert.equal(printable(Buffer.from('\u0085\u009b\u2028\u2029')), '\\x85\\x9b\\u2028\\u2029')
})

test('every byte there is makes one harmless line', () => {
  const text = printable(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none must be left
  assert.doesNotMatch(text, /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/)
  assert.match(text, /ABC.*\ufffd/)
})
