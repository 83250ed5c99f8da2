import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutPassword } from '../../src/phrases.ts'

test('passwords in addresses are hidden, whatever is in them', () => {
  const pairs = [
    ['https://u:p@host/a.git', 'https://****@host/a.git'],
    ['https://u:p@ss@host/a', 'https://****@host/a'],
    [
      "fatal: 'https://u:p@host/a@b' and ssh://git@h/x",
      "fatal: 'https://****@host/a@b' and ssh://****@h/x",
    ],
    ['https://host/a@b', 'https://host/a@b'],
  ]
  for (const [text = '', hidden] of pairs) assert.equal(withoutPassword(text), hidden)
})
