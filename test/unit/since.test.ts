import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentOf } from '../../src/cli/since.ts'

const now = new Date(2026, 10, 22, 14, 30, 15, 500)

function moment(text: string): Date | null {
  return momentOf(text, now)
}

test('a duration is so long ago', () => {
  assert.deepEqual(moment('90s'), new Date(2026, 10, 22, 14, 28, 45, 500))
  assert.deepEqual(moment('10min'), new Date(2026, 10, 22, 14, 20, 15, 500))
  assert.deepEqual(moment('1.5h'), new Date(2026, 10, 22, 13, 0, 15, 500))
  assert.deepEqual(moment('1d'), new Date(2026, 10, 21, 14, 30, 15, 500))
})

test('a time of day is the last one there was', () => {
  assert.deepEqual(moment('01:00'), new Date(2026, 10, 22, 1, 0))
  assert.deepEqual(moment('14:30:15'), new Date(2026, 10, 22, 14, 30, 15))
  assert.deepEqual(moment('23:00'), new Date(2026, 10, 21, 23, 0))
})

test('a date, with or without a time', () => {
  assert.deepEqual(moment('2026-11-21 01:00'), new Date(2026, 10, 21, 1, 0))
  assert.deepEqual(moment('2026-11-21T01:02:03'), new Date(2026, 10, 21, 1, 2, 3))
  assert.deepEqual(moment('2026-11-21 01:02:03.250'), new Date(2026, 10, 21, 1, 2, 3, 250))
  assert.deepEqual(moment('2026-11-21'), new Date(2026, 10, 21))
})

test('a moment as JSON has it, with its zone', () => {
  assert.deepEqual(moment('2026-11-21T01:02:03.250Z'), new Date('2026-11-21T01:02:03.250Z'))
  assert.deepEqual(moment('2026-11-21 01:02+02:00'), new Date('2026-11-20T23:02:00Z'))
})

test('anything else is none', () => {
  const texts = [
    '',
    'yesterday',
    '10',
    '10 parsecs',
    '25:00',
    '12:60',
    '2026-13-01',
    '2026-02-30',
    '2026-11-21Z',
    '-5min',
    '1d2h',
  ]
  for (const text of texts) assert.equal(moment(text), null, text)
})
