import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whiteoutOf } from '../../src/update/whiteout.ts'

test('.wh.NAME deletes NAME beside it', () => {
  assert.deepEqual(whiteoutOf('.wh.a'), { is: 'one', path: 'a' })
  assert.deepEqual(whiteoutOf('lib/deep/.wh.b.py'), { is: 'one', path: 'lib/deep/b.py' })
  assert.deepEqual(whiteoutOf('.wh..env'), { is: 'one', path: '.env' })
  assert.deepEqual(whiteoutOf('.wh. '), { is: 'one', path: ' ' })
  assert.deepEqual(whiteoutOf('.wh....'), { is: 'one', path: '...' })
})

test('.wh..wh..opq empties the folder it lies in', () => {
  assert.deepEqual(whiteoutOf('.wh..wh..opq'), { is: 'all', folder: '' })
  assert.deepEqual(whiteoutOf('lib/deep/.wh..wh..opq'), { is: 'all', folder: 'lib/deep' })
})

test('other names are no whiteouts', () => {
  for (const name of ['a', 'wh.a', '.wha', '.wh', 'a.wh.b', '.wh.a/b', '.WH.a']) {
    assert.equal(whiteoutOf(name), null, name)
  }
})

test('a whiteout of nothing, of a folder itself, of its parent or of a whiteout is nonsense', () => {
  for (const name of ['.wh.', '.wh..', '.wh...', '.wh..wh.a', 'lib/.wh..wh.', 'lib/.wh...']) {
    assert.deepEqual(whiteoutOf(name), { is: 'nonsense' }, name)
  }
})
