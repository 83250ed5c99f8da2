import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitIn, makeCheckout, programSaying, startCheckout } from '../harness/checkout.ts'
import { cleanEnvironment, passes } from '../harness/daemon.ts'
import { hasTools, makeFolder } from '../harness/tools.ts'

test('a branch that was rewritten is refused', async (t) => {
  const checkout = await makeCheckout(t)
  const { remote, git } = checkout
  const before = git('rev-parse', 'HEAD')
  const daemon = await startCheckout(t, checkout)
  remote.git('commit', '-q', '--amend', '-m', 'rewritten')
  await daemon.says(/main of origin does not go on from what main holds/)
  assert.equal(git('rev-parse', 'HEAD'), before)
})

test('or followed, where that is set; the commit it leaves is kept', async (t) => {
  const checkout = await makeCheckout(t, { git: { rewritten: 'follow' } })
  const { remote, git } = checkout
  const before = git('rev-parse', 'HEAD')
  const daemon = await startCheckout(t, checkout)
  writeFileSync(join(remote.tree, 'main.py'), programSaying('another past'))
  remote.git('add', '-A')
  remote.git('commit', '-q', '--amend', '-m', 'rewritten')
  await passes(daemon, 'r1', /another past/)
  assert.equal(git('rev-parse', 'HEAD'), remote.git('rev-parse', 'HEAD'))
  assert.equal(git('status', '--porcelain'), '')
  assert.equal(git('rev-parse', `refs/ota/left/${before}`), before)
})

test('commits of its own, and a HEAD that is on no branch, are said', async (t) => {
  const checkout = await makeCheckout(t)
  const { dir, git } = checkout
  git('commit', '-q', '--allow-empty', '-m', 'of its own')
  const daemon = await startCheckout(
    t,
    checkout,
    /main has commits that main of origin does not have/,
  )
  git('checkout', '-q', '--detach', 'HEAD~1')
  await daemon.says(/main is not on a branch, so there is nothing to follow/)
  git('checkout', '-q', 'main')
  git('reset', '-q', '--hard', 'HEAD~1')
  await daemon.says(/git: it goes on: main is at/)
  assert.equal(await daemon.end(), 0)
  assert.ok(existsSync(join(dir, 'main/main.py')))
})

test('a local change is refused until it is taken back', async (t) => {
  const checkout = await makeCheckout(t, { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  writeFileSync(join(dir, 'main/a.txt'), 'by hand\n')
  writeFileSync(join(dir, 'main/b.txt'), 'by hand, and nobody cares\n')
  await remote.commit({ 'a.txt': 'new\n' })
  await daemon.says(/changed in main since the commit .*: a\.txt\n/)
  assert.equal(readFileSync(join(dir, 'main/a.txt'), 'utf8'), 'by hand\n')
  git('checkout', '--', 'a.txt')
  await daemon.says(/r1: committed/)
  assert.equal(readFileSync(join(dir, 'main/a.txt'), 'utf8'), 'new\n')
  assert.equal(readFileSync(join(dir, 'main/b.txt'), 'utf8'), 'by hand, and nobody cares\n')
  assert.equal(git('status', '--porcelain'), ' M b.txt')
})

test('or saved and replaced, where that is set', async (t) => {
  const checkout = await makeCheckout(t, {
    files: { 'a.txt': 'a\n', 'b.txt': 'b\n' },
    git: { local_changes: 'save' },
  })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  writeFileSync(join(dir, 'main/a.txt'), 'by hand \xff\n', 'latin1')
  writeFileSync(join(dir, 'main/b.txt'), 'added\n')
  git('add', 'b.txt')
  await remote.commit({ 'a.txt': 'new\n', 'b.txt': 'new\n' })
  const [, ref = ''] = await daemon.says(
    /replaces what was changed in main: a\.txt, b\.txt\..* (refs\S+)/,
  )
  await daemon.says(/r1: committed/)
  assert.equal(git('status', '--porcelain'), '')
  const saved = execFileSync('git', ['-C', join(dir, 'main'), 'show', `${ref}:a.txt`])
  assert.equal(saved.toString('latin1'), 'by hand \xff\n')
  assert.equal(git('show', `${ref}:b.txt`), 'added')
})

test('nor a change that git was told not to look at, which it could not save', async (t) => {
  const checkout = await makeCheckout(t, {
    files: { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n' },
    git: { local_changes: 'save' },
  })
  const { dir, remote, git } = checkout
  git('update-index', '--skip-worktree', 'a.txt', 'c.txt')
  git('update-index', '--assume-unchanged', 'b.txt')
  writeFileSync(join(dir, 'main/a.txt'), 'by hand\n')
  writeFileSync(join(dir, 'main/b.txt'), 'by hand\n')
  const daemon = await startCheckout(t, checkout)
  await remote.commit({ 'a.txt': 'new\n', 'b.txt': 'new\n', 'c.txt': 'new\n' })
  await daemon.says(/changed in main since the commit .*: a\.txt, b\.txt\n/)
  assert.equal(readFileSync(join(dir, 'main/a.txt'), 'utf8'), 'by hand\n')
  writeFileSync(join(dir, 'main/a.txt'), 'a\n')
  writeFileSync(join(dir, 'main/b.txt'), 'new\n')
  await daemon.says(/r1: committed/)
  assert.equal(git('status', '--porcelain'), '')
})

test('line ends that git would write otherwise are no change', async (t) => {
  const files = { 'a.txt': 'a\r\n', '"b".txt': 'b\n', 'c.txt': 'c\n' }
  const checkout = await makeCheckout(t, { files })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  await remote.commit({ '.gitattributes': '*.txt text\n' })
  await daemon.says(/r1: committed/)
  writeFileSync(join(dir, 'main/a.txt'), 'a\r\n')
  assert.match(git('status', '--porcelain'), /M a\.txt/)
  await remote.commit({ 'a.txt': 'new\n', '"b".txt': 'new\n' })
  await daemon.says(/r2: committed/)
  assert.equal(git('status', '--porcelain'), '')
  chmodSync(join(dir, 'main/a.txt'), 0o755)
  await remote.commit({ 'a.txt': 'newer\n' })
  await daemon.says(/changed in main since the commit .*: a\.txt\n/)
})

test('a commit waits while somebody works with git in main', async (t) => {
  const checkout = await makeCheckout(t)
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  const lock = join(dir, 'main/.git/index.lock')
  const worker = spawn('git', ['hash-object', '--stdin'], {
    cwd: join(dir, 'main'),
    env: cleanEnvironment(),
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(worker, 'exit')
  await once(worker, 'spawn')
  writeFileSync(lock, '')
  await remote.commit({ 'a.txt': 'a\n' })
  await daemon.says(/r1: rejected for now: git is at work in main, .*index\.lock is there/)
  worker.stdin.end()
  await ended
  await daemon.says(/removed what a git that was killed has left behind .*: index\.lock/)
  await daemon.says(/r1: committed/)
  assert.equal(git('status', '--porcelain'), '')
})

test('what git does not keep is never overwritten', async (t) => {
  const checkout = await makeCheckout(t)
  const { dir, remote } = checkout
  const daemon = await startCheckout(t, checkout)
  const place = join(dir, 'main/data.db')
  writeFileSync(place, 'of the program')
  writeFileSync(join(remote.tree, 'data.db'), 'of the commit')
  remote.git('add', '-f', 'data.db')
  await remote.commit({})
  await daemon.says(/the commit brings data\.db, and main has something of that name/)
  assert.equal(readFileSync(place, 'utf8'), 'of the program')
  writeFileSync(place, 'of the commit')
  await daemon.says(/r1: committed/)
})

test('submodules and Git LFS are refused, with the reason', async (t) => {
  const checkout = await makeCheckout(t)
  const { remote } = checkout
  const daemon = await startCheckout(t, checkout)
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`
  await remote.commit({ 'big.bin': pointer })
  await daemon.says(/big\.bin is kept in Git LFS/)
  await remote.commit({ 'big.bin': null })
  await daemon.says(/r1: committed/)
  const head = remote.git('rev-parse', 'HEAD')
  remote.git('update-index', '--add', '--cacheinfo', `160000,${head},part`)
  remote.git('commit', '-q', '-m', 'a module')
  await daemon.says(/part is a submodule/)
})

test('names and links that lead out of main are refused, and nothing is written anywhere', async (t) => {
  const checkout = await makeCheckout(t)
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout)
  const make = (input: string) => {
    return execFileSync('git', ['mktree'], {
      cwd: remote.dir,
      env: cleanEnvironment(),
      input,
      encoding: 'utf8',
    }).trim()
  }
  const before = remote.git('rev-parse', 'HEAD')
  const entries = remote.git('ls-tree', 'HEAD')
  const blob = remote.git('rev-parse', 'HEAD:main.py')
  const folder = make(`100644 blob ${blob}\tharm.txt\n`)
  for (const name of ['..', '.', '.git', '.GIT']) {
    const tree = make(`${entries}\n040000 tree ${folder}\t${name}\n`)
    const commit = remote.git('commit-tree', '-p', before, '-m', 'harm', tree)
    remote.git('update-ref', 'refs/heads/main', commit)
    await daemon.says(new RegExp(`git: ${name.replaceAll('.', '\\.')}/harm\\.txt: this name`))
  }
  remote.git('update-ref', 'refs/heads/main', before)
  await daemon.says(/it goes on/)
  symlinkSync('d/../harm', join(remote.tree, 'link'))
  await remote.commit({})
  await daemon.says(/link is a symbolic link that leads out of main/)
  assert.equal(git('status', '--porcelain'), '')
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    names.filter((name) => name.endsWith('harm.txt')),
    [],
  )
})

test('a commit that nobody trusted has signed is not used', async (t) => {
  if (!hasTools(t, 'ssh-keygen')) return
  const keys = await makeFolder(t)
  const key = join(keys, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 't', '-f', key])
  const checkout = await makeCheckout(t, { git: { allowed_signers: 'signers' } })
  const { dir, remote, git } = checkout
  writeFileSync(join(dir, 'signers'), `t@t ${readFileSync(`${key}.pub`, 'utf8')}`)
  const before = git('rev-parse', 'HEAD')
  const daemon = await startCheckout(t, checkout)
  await remote.commit({ 'a.txt': 'a' })
  await daemon.says(/is not signed by anybody in allowed_signers: no signature/)
  assert.equal(git('rev-parse', 'HEAD'), before)
  const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`]
  gitIn(
    remote.tree,
    ...sign,
    `--git-dir=${remote.dir}`,
    `--work-tree=${remote.tree}`,
    'commit',
    '-q',
    '--allow-empty',
    '-S',
    '-m',
    'signed',
  )
  await daemon.says(/r1: committed/)
})
