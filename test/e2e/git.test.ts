import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { makeCheckout, programSaying, startCheckout } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { passes } from '../harness/daemon.ts'
import { drop, readHistory } from '../harness/deposit.ts'
import { ampleTrial, makeTrialsShort } from '../harness/trial.ts'

test('a commit is swapped in, and git knows of it', async (t) => {
  const checkout = await makeCheckout(t, {
    files: { 'lib/a.py': 'A = 1\n', 'lib/gone.py': 'G = 1\n', 'old/only.txt': 'x', run: 'x' },
  })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout, /git: main is at [0-9a-f]{9}, as main of origin/)
  const inMain = (path: string) => join(dir, 'main', path)
  writeFileSync(inMain('data.db'), 'of the program')
  const commit = await remote.commit({
    'main.py': programSaying('second'),
    'lib/a.py': 'A = 2\n',
    'lib/gone.py': null,
    'old/only.txt': null,
    'new/deep/file.txt': 'here',
  })
  await daemon.says(/r1: [0-9a-f]{9} a change \(main of origin\): 3 files/)
  await passes(daemon, 'r1', /second/)
  assert.equal(git('rev-parse', 'HEAD'), commit)
  assert.equal(git('status', '--porcelain'), '')
  assert.equal(git('symbolic-ref', 'HEAD'), 'refs/heads/main')
  assert.equal(readFileSync(inMain('new/deep/file.txt'), 'utf8'), 'here')
  assert.ok(!existsSync(inMain('lib/gone.py')))
  assert.ok(!existsSync(inMain('old')), 'a folder goes with its last file')
  assert.equal(readFileSync(inMain('data.db'), 'utf8'), 'of the program')
  assert.deepEqual(
    (await readHistory(dir)).map(({ id, result }) => [id, result]),
    [['r1', 'committed']],
  )
})

test('modes, links, and folders that become files', async (t) => {
  const checkout = await makeCheckout(t, {
    files: { 'was-folder/a.txt': 'a', 'was-file': 'b', 'tool.sh': '#!/bin/sh\n' },
  })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  chmodSync(join(remote.tree, 'tool.sh'), 0o755)
  symlinkSync('main.py', join(remote.tree, 'link.py'))
  await remote.commit({ 'was-folder': null, 'was-file': null })
  await daemon.says(/r1: committed/)
  await remote.commit({ 'was-folder': 'now a file', 'was-file/b.txt': 'now a folder' })
  await daemon.says(/r2: committed/)
  assert.equal(git('status', '--porcelain'), '')
  assert.equal(readlinkSync(join(dir, 'main/link.py')), 'main.py')
  assert.equal(statSync(join(dir, 'main/tool.sh')).mode & 0o777, 0o755)
  symlinkSync('../../etc/passwd', join(remote.tree, 'out'))
  await remote.commit({})
  await daemon.says(/out is a symbolic link that leads out of main/)
})

test('a commit that crashes is rolled back, and not tried again until the branch moves', async (t) => {
  const checkout = await makeCheckout(t, { settings: ampleTrial })
  const { dir, remote, git } = checkout
  const before = git('rev-parse', 'HEAD')
  const daemon = await startCheckout(t, checkout)
  const bad = await remote.commit({ 'main.py': 'raise SystemExit(3)\n', 'more.txt': 'x' })
  const tried = new RegExp(`${bad.slice(0, 9)} was tried as r1 and did not pass`)
  await Promise.all([daemon.says(/r1: rolled back/), daemon.says(tried)])
  assert.equal(git('rev-parse', 'HEAD'), before)
  assert.equal(git('status', '--porcelain'), '')
  assert.ok(!existsSync(join(dir, 'main/more.txt')))
  await makeTrialsShort(daemon)
  const good = await remote.commit({ 'main.py': programSaying('mended') })
  await passes(daemon, 'r2', /mended/)
  assert.equal(git('rev-parse', 'HEAD'), good)
  // The operator's word counts too.
  const done = await runSupervisor(['rollback'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.equal(git('rev-parse', 'HEAD'), before)
  await daemon.says(/was tried as r2 and did not pass/)
})

test('a commit with a syntax error is rejected before the program is stopped', async (t) => {
  const checkout = await makeCheckout(t)
  const { remote, git } = checkout
  const before = git('rev-parse', 'HEAD')
  const daemon = await startCheckout(t, checkout)
  await remote.commit({ 'main.py': 'def broken(:\n' })
  await Promise.all([
    daemon.says(/r1: rejected: main\.py, line 1/),
    daemon.says(/was tried as r1 and did not pass/),
  ])
  assert.equal(git('rev-parse', 'HEAD'), before)
  assert.doesNotMatch(daemon.output(), /is being stopped/)
})

test('a deposit beside it goes on working; what it changes counts as changed', async (t) => {
  const checkout = await makeCheckout(t, { files: { 'a.txt': 'a' } })
  const { remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  await drop(daemon, { 'a.txt': 'uploaded', 'b.txt': 'uploaded' })
  await daemon.says(/r1: committed/)
  await remote.commit({ 'c.txt': 'c' })
  await daemon.says(/r2: committed/)
  await remote.commit({ 'a.txt': 'committed' })
  await daemon.says(/changed in main since the commit .*: a\.txt/)
  await remote.commit({ 'a.txt': 'uploaded' })
  await daemon.says(/r3: committed/)
  assert.equal(git('status', '--porcelain'), '?? b.txt')
})

test('a daemon that is root works in the checkout as its owner', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can work as another user')
  const checkout = await makeCheckout(t)
  const { dir, remote } = checkout
  const nobody = 65_534
  // The way to both is open to all.
  for (const folder of [dir, dirname(remote.dir)]) chmodSync(folder, 0o755)
  const own = () => execFileSync('chown', ['-R', `${nobody}`, join(dir, 'main'), remote.dir])
  own()
  const daemon = await startCheckout(t, checkout, /main is at/)
  await remote.commit({ 'main.py': programSaying('second'), 'new/a.txt': 'a' })
  own()
  await daemon.says(/r1: committed/)
  for (const path of ['main.py', 'new', 'new/a.txt', '.git/index', '.git/HEAD']) {
    assert.equal(statSync(join(dir, 'main', path)).uid, nobody, path)
  }
})
