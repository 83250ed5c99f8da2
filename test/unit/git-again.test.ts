import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaults, pathsOf } from '../../src/config.ts'
import { judgeAgain } from '../../src/source/git/again.ts'
import { openCalls } from '../../src/source/git/call.ts'
import { disk } from '../../src/system/disk.ts'
import { makeCheckout } from '../harness/checkout.ts'

test('a commit that was taken is compared with main once more', async (t) => {
  const checkout = await makeCheckout(t, { files: { 'd/a.txt': 'a\n', 'b.txt': 'b\n' } })
  const { dir, remote, git } = checkout
  const site = { paths: pathsOf(dir), config: defaults, disk }
  const main = join(dir, 'main')
  const as = { before: [], owner: null, env: {} }
  const calls = openCalls(main, dir, as, new AbortController().signal)
  const old = git('rev-parse', 'HEAD')
  const now = await remote.commit({ 'd/a.txt': null, 'b.txt': 'new\n', state: 'x' })
  git('fetch', '-q', 'origin')
  const move = { old, new: now, of: 'main of origin', subject: '' }
  const again = () => judgeAgain(move, ['d'], calls, site)

  assert.deepEqual(await again(), { leaving: ['d'], edited: [] })

  mkdirSync(join(main, 'd'), { recursive: true })
  writeFileSync(join(main, 'd/own'), 'of the program')
  assert.deepEqual(await again(), { why: 'main has changed since the commit was taken' })
  rmSync(join(main, 'd/own'))

  writeFileSync(join(main, 'state'), 'of the program')
  const inTheWay = await again()
  assert.match('why' in inTheWay ? inTheWay.why : '', /^the commit brings state, and main has/)
  rmSync(join(main, 'state'))

  writeFileSync(join(main, 'b.txt'), 'by hand\n')
  const edited = await again()
  assert.match('why' in edited ? edited.why : '', /changed in main .*: b\.txt$/)
  git('checkout', '--', 'b.txt')

  // A release that it was built on has been rolled back meanwhile.
  git('commit', '-q', '--allow-empty', '-m', 'another')
  const elsewhere = await again()
  assert.match('why' in elsewhere ? elsewhere.why : '', /^main is not at [0-9a-f]{9} any more$/)
})
