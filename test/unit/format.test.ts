import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type LogLine,
  parseLine,
  printable,
  timeText,
  written,
  writtenOutput,
} from '../../src/log/format.ts'

const moment = new Date(2026, 2, 4, 5, 6, 7, 8)

test('times are written in full, so that they sort', () => {
  assert.equal(timeText(moment), '2026-03-04 05:06:07.008')
})

test('text stays as it is', () => {
  for (const text of ['plain', 'tab\tstays', 'Käse, 温度 21 °C, 🙂']) {
    assert.equal(printable(Buffer.from(text)), text)
  }
})

test('control characters are written out: they cannot forge a line or upset a terminal', () => {
  assert.equal(printable(Buffer.from('\x1b[31m\x07\x00\x7f')), '\\x1b[31m\\x07\\x00\\x7f')
  assert.equal(printable(Buffer.from('back\rwards\n')), 'back\\rwards')
  assert.equal(printable(Buffer.from('\u0085\u009b\u2028\u2029')), '\\x85\\x9b\\u2028\\u2029')
})

test('line ends stay, but for the last one; a CR before one goes', () => {
  assert.equal(printable(Buffer.from('one\n\ntwo\r\nthree\n')), 'one\n\ntwo\nthree')
  assert.equal(printable(Buffer.from('\n')), '')
  assert.equal(printable(Buffer.from('a piece\r')), 'a piece\\r')
})

test('every byte there is, but for the line end, is harmless in a line', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x0a)
  const text = printable(Buffer.from(bytes))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none must be left
  assert.doesNotMatch(text, /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/)
  assert.match(text, /ABC.*\ufffd/)
})

const out = { time: moment, who: 'r12', stream: 'out', level: 'info' } as const

test('lines of text: time, who, text', () => {
  assert.equal(
    written(out, 'one\n  two', 'text'),
    '2026-03-04 05:06:07.008  r12 out     one\n2026-03-04 05:06:07.008  r12 out       two\n',
  )
  assert.equal(
    written({ time: moment, who: 'supervisor', level: 'warn' }, 'careful', 'text'),
    '2026-03-04 05:06:07.008  supervisor  WARNING: careful\n',
  )
})

test('lines of JSON: one object a line', () => {
  const lines = written(out, 'one "quoted"\ntwo', 'json').split('\n')
  assert.equal(lines.pop(), '')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    ['one "quoted"', 'two'].map((text) => ({ ...out, time: moment.toISOString(), text })),
  )
})

test('what is written is read again, in both forms', () => {
  const texts = ['', 'plain', '  two spaces', 'ERROR: not ours', '{"a": 1}', 'tab\t"quoted" \\x1b']
  const said: LogLine[] = texts.flatMap((text) => [
    { ...out, text },
    { time: moment, who: 'r1234567', stream: 'err', level: 'info', text },
    { time: moment, who: 'supervisor', level: 'error', text },
    { time: moment, who: 'supervisor', level: 'warn', text },
  ])
  said.push({ time: moment, who: 'supervisor', level: 'info', text: '  indented' })
  for (const form of ['text', 'json'] as const) {
    for (const line of said) {
      assert.deepEqual(parseLine(written(line, line.text, form).slice(0, -1)), line)
    }
  }
})

test('of many projects each line carries the name, and no program can forge it', () => {
  const said = written({ ...out, project: 'garage' }, '[roof] r1 out   x', 'text')
  assert.equal(said, '2026-03-04 05:06:07.008  [garage] r12 out     [roof] r1 out   x\n')
  const lines: LogLine[] = [
    { ...out, project: 'a.b-c', text: '[roof] supervisor  ERROR: x' },
    { time: moment, project: 'garage', who: 'r1234567', stream: 'err', level: 'info', text: ' x' },
    { time: moment, project: 'garage', who: 'supervisor', level: 'error', text: 'x' },
  ]
  for (const form of ['text', 'json'] as const) {
    for (const line of lines) {
      assert.deepEqual(parseLine(written(line, line.text, form).slice(0, -1)), line)
    }
  }
})

test('a torn line is none', () => {
  for (const line of ['', '2026-03-04 05:0', '{"time":"2026', '{}', 'anything else']) {
    assert.equal(parseLine(line), null, line)
  }
})

test('what a program printed is written the same way, whatever it is and however long', () => {
  const texts = [
    '',
    '\n',
    'one',
    'one\n',
    '\n\none\n\ntwo',
    'tab\there\n',
    'Käse\n21 °C',
    'a\rb\r\nc\n',
    '\x1b[31mred\n',
    'many short ones\n'.repeat(50_000),
    'as many as are read at once\n'.repeat(4_600),
    '\n'.repeat(131_072),
    'x'.repeat(300_000),
    'y\n',
  ]
  for (const text of texts) {
    for (const form of ['text', 'json'] as const) {
      const bytes = Buffer.from(text)
      const lines = String(writtenOutput(out, bytes, form))
      assert.ok(lines === written(out, printable(bytes), form), `${text.slice(0, 20)} as ${form}`)
    }
  }
})
