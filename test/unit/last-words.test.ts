import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastWordsIn, openTail } from '../../src/program/last-words.ts'

const traceback = `starting
Traceback (most recent call last):
  File "/p/main/main.py", line 3, in <module>
    import pkg.deep
  File "/p/main/pkg/deep.py", line 12, in <module>
    json.loads("")
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
`

test('the error, and the last place of the program itself', () => {
  assert.equal(
    lastWordsIn(traceback, '/p/main'),
    'json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0) (pkg/deep.py, line 12)',
  )
  assert.match(lastWordsIn(traceback, '/elsewhere') ?? '', /\(\/usr\/lib\S+, line 346\)$/)
})

test('a place counts only in the last traceback', () => {
  const handled = `${traceback}\nTraceback (most recent call last):\nKeyboardInterrupt\n`
  assert.equal(lastWordsIn(handled, '/p/main'), 'KeyboardInterrupt')
})

test('without a traceback it is the last line, and of a long one the beginning', () => {
  assert.equal(lastWordsIn('one\n  no such sensor  \n\n', '/p'), 'no such sensor')
  assert.equal(lastWordsIn('x'.repeat(1_000), '/p')?.length, 300)
  for (const nothing of ['', '\n', '  \n\n']) assert.equal(lastWordsIn(nothing, '/p'), null)
})

test('the tail of a flood is its end', () => {
  const tail = openTail()
  tail.add(Buffer.from('a'.repeat(5_000)))
  tail.add(Buffer.from('b'.repeat(10)))
  assert.equal(tail.text(), `${'a'.repeat(4_086)}${'b'.repeat(10)}`)
})
