import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readBlobs } from '../../src/source/git/blobs.ts'
import { type As, openCalls } from '../../src/source/git/call.ts'
import { type Change, changesBetween, parseChanges } from '../../src/source/git/changes.ts'
import { moveHead } from '../../src/source/git/head.ts'
import { leaving } from '../../src/source/git/whiteouts.ts'
import { gitIn } from '../harness/checkout.ts'
import { makeRepository } from '../harness/repository.ts'
import { makeFolder } from '../harness/tools.ts'

const self: As = { before: [], owner: null, env: {} }

async function makeClone(t: TestContext) {
  const root = await makeFolder(t)
  const remote = await makeRepository(t, root, 'app', { a: '1', 'd/b': '1', empty: '' })
  gitIn(root, 'clone', '-q', remote.dir, 'clone')
  const dir = `${root}/clone`
  return { remote, dir, git: openCalls(dir, root, self, new AbortController().signal) }
}

test('what git prints of changes is read', () => {
  const [zero, one] = ['0'.repeat(40), '1'.repeat(40)]
  const text = `:000000 100755 ${zero} ${one} A\0new\nname\0:100644 000000 ${one} ${zero} D\0d/gone\0`
  assert.deepEqual(parseChanges(text), [
    {
      path: 'new\nname',
      isGone: false,
      isNew: true,
      oldMode: '000000',
      old: zero,
      mode: '100755',
      blob: one,
    },
    {
      path: 'd/gone',
      isGone: true,
      isNew: false,
      oldMode: '100644',
      old: one,
      mode: '000000',
      blob: zero,
    },
  ])
  assert.deepEqual(parseChanges(''), [])
})

test('a folder goes with its last file, and stays with anything else in it', () => {
  const files = ['a/x', 'a/__pycache__/x.pyc', 'b/x', 'b/own', 'c/d/x', 'c/y', 'e']
  const main = {
    kind: (path: string) => {
      if (files.includes(path)) return 'file' as const
      return files.some((file) => file.startsWith(`${path}/`)) ? ('dir' as const) : null
    },
    list: (folder: string) => [
      ...new Set(
        files
          .filter((file) => file.startsWith(`${folder}/`))
          .map((file) => file.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
  }
  const gone = (path: string): Change => {
    return {
      path,
      isGone: true,
      isNew: false,
      oldMode: '100644',
      old: '',
      mode: '000000',
      blob: '',
    }
  }
  const all = ['a/x', 'b/x', 'c/d/x', 'c/y', 'e', 'not/there'].map(gone)
  assert.deepEqual(leaving(all, main).paths, ['a', 'b/x', 'c', 'e'])
  const put: Change = {
    path: 'c/z',
    isGone: false,
    isNew: true,
    oldMode: '000000',
    old: '',
    mode: '100644',
    blob: '',
  }
  assert.deepEqual(leaving([...all, put], main).paths, ['a', 'b/x', 'c/d', 'c/y', 'e'])
})

test('objects are read as they are, empty ones too', async (t) => {
  const { remote, git } = await makeClone(t)
  const big = 'x\n'.repeat(200_000)
  await remote.commit({ big, a: '' })
  await git(['fetch', '-q', 'origin'])
  const changes = (await changesBetween('HEAD', 'origin/main', git)) ?? []
  const found: string[] = []
  const begin = (index: number) => {
    found[index] = ''
    const piece = (bytes: Buffer) => {
      found[index] += bytes.toString()
    }
    return { piece, end: () => undefined }
  }
  const blobs = changes.map(({ blob }) => blob)
  assert.equal(await readBlobs(blobs, git, begin), true)
  assert.deepEqual(found, ['', big])
  assert.equal(await readBlobs([...blobs, '1'.repeat(40)], git, begin), false)
})

test('HEAD is moved there and back, and what somebody has added to the index stays', async (t) => {
  const { remote, dir, git } = await makeClone(t)
  const old = gitIn(dir, 'rev-parse', 'HEAD')
  const now = await remote.commit({ a: '2', 'd/b': null, c: '2' })
  await git(['fetch', '-q', 'origin'])
  gitIn(dir, 'checkout', '-q', now, '--', 'a', 'c')
  gitIn(dir, 'reset', '-q')
  gitIn(dir, 'rm', '-q', '--cached', 'empty')
  const states = []
  for (const [from, to] of [
    [old, now],
    [old, now],
    [now, old],
    [now, old],
  ] as const) {
    const moved = await moveHead(from, to, 'r1', git)
    states.push([moved.is, gitIn(dir, 'rev-parse', 'HEAD')])
    assert.match(gitIn(dir, 'status', '--porcelain'), /^D {2}empty$/m)
  }
  assert.deepEqual(states, [
    ['done', now],
    ['done', now],
    ['done', old],
    ['done', old],
  ])
  gitIn(dir, 'commit', '-q', '-m', 'of somebody')
  assert.equal((await moveHead(old, now, 'r1', git)).is, 'elsewhere')
})

test('a move that was cut off between the index and HEAD can be done again, and taken back', async (t) => {
  const { remote, dir, git } = await makeClone(t)
  const old = remote.git('rev-parse', 'HEAD')
  await remote.commit({ a: '2', 'd/b': null, c: '3' })
  const now = remote.git('rev-parse', 'HEAD')
  gitIn(dir, 'fetch', '-q', 'origin')
  const staged = () => gitIn(dir, 'diff', '--cached', '--name-only', 'HEAD')
  for (const [from, to] of [
    [old, now],
    [now, old],
  ] as const) {
    gitIn(dir, 'read-tree', from)
    gitIn(dir, 'update-ref', 'HEAD', from)
    gitIn(dir, 'read-tree', to)
    assert.equal((await moveHead(to, from, 'r1', git)).is, 'done', 'taken back')
    assert.equal(staged(), '')
    gitIn(dir, 'read-tree', to)
    assert.equal((await moveHead(from, to, 'r1', git)).is, 'done', 'done again')
    assert.deepEqual([gitIn(dir, 'rev-parse', 'HEAD'), staged()], [to, ''])
  }
})
