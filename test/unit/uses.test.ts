import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../../src/python/environment.ts'
import {
  forgetUses,
  neededBy,
  noteUse,
  readUses,
  surplus,
  type Use,
} from '../../src/python/uses.ts'
import { makeSite } from '../harness/site.ts'

const uses: Use[] = [
  { since: 'r1', address: 'a' },
  { since: 'r4', address: 'b' },
  { since: 'r6', address: null },
  { since: 'r7', address: 'c' },
  { since: 'r9', address: 'd' },
]

test('the current environment and the one before it stay', () => {
  assert.deepEqual([...neededBy(uses, null)], ['c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r12')], ['c', 'd'])
  assert.deepEqual([...neededBy([], null)], [])
  assert.deepEqual([...neededBy(uses.slice(0, 1), 'r1')], ['a'])
})

test('those of every release that can be gone back to stay: also that before the oldest journal', () => {
  assert.deepEqual([...neededBy(uses, 'r8')], ['c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r7')], ['c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r6')], ['b', 'c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r5')], ['b', 'c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r4')], ['a', 'b', 'c', 'd'])
  assert.deepEqual([...neededBy(uses, 'r1')], ['a', 'b', 'c', 'd'])
})

function environment(address: string, bytes: number, at: string): Environment {
  const python = { path: '', version: '', searchPath: [], abi: '' }
  return { address, from: '', python, packages: [], bytes, at }
}

test('of the others the oldest go until all are within the budget', () => {
  const all = [environment('a', 10, '1'), environment('b', 10, '2'), environment('c', 10, '3')]
  const needed = new Set(['a'])
  assert.deepEqual(surplus(all, needed, 100), [])
  assert.deepEqual(surplus(all, needed, 25), ['b'])
  assert.deepEqual(surplus(all, needed, 0), ['c', 'b'])
  assert.deepEqual(surplus(all, new Set(['a', 'b', 'c']), 0), [])
})

test('what is undone leads nowhere: the next release is undone to what was before it', async (t) => {
  const site = await makeSite(t)
  await noteUse({ since: 'r1', address: 'a' }, site)
  await noteUse({ since: 'r2', address: 'b' }, site)
  await noteUse({ since: 'r3', address: 'c' }, site)
  await forgetUses('r3', site)
  await forgetUses('r2', site)
  await forgetUses('r2', site)
  await noteUse({ since: 'r4', address: 'd' }, site)
  assert.deepEqual([...neededBy(await readUses(site), 'r4')], ['a', 'd'])
})
