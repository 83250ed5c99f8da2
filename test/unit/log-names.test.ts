import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logName, parseLogName } from '../../src/log/names.ts'

const at = new Date(2026, 2, 4, 5, 6, 7)

test('a log file is named after the beginning of its session', () => {
  assert.equal(logName({ at, again: 1, part: 1 }), 'logfile_04-03-26_05.06.07.log')
})

test('a second session of the same second, and a second file of a session, are counted', () => {
  assert.equal(logName({ at, again: 2, part: 1 }), 'logfile_04-03-26_05.06.07-2.log')
  assert.equal(logName({ at, again: 1, part: 2 }), 'logfile_04-03-26_05.06.07_2.log')
  assert.equal(logName({ at, again: 3, part: 12 }), 'logfile_04-03-26_05.06.07-3_12.log')
})

test('a name is read as it was written, also of a clock that was never set', () => {
  const names = [
    { at, again: 1, part: 1 },
    { at, again: 2, part: 30 },
    { at: new Date(1970, 0, 1, 0, 0, 7), again: 1, part: 2 },
  ]
  for (const name of names) assert.deepEqual(parseLogName(logName(name)), name)
})

test('what we would not name so is not ours', () => {
  const others = [
    'logfile_99-99-26_05.06.07.log',
    'logfile_04-03-26_05.06.07-1.log',
    'logfile_04-03-26_05.06.07_1.log',
    'logfile_04-03-26_05.06.07_02.log',
    'logfile_04-03-26_05.06.07_2-2.log',
    'logfile_04-03-26_05.06.07.log.gz',
    'my_logfile_04-03-26_05.06.07.log',
    'logfile_4-3-26_5.6.7.log',
    '.gitkeep',
  ]
  for (const name of others) assert.equal(parseLogName(name), null, name)
})
