import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { addressOf, readWish, requirementsOf, type Wish } from '../../src/python/dependencies.ts'
import type { View } from '../../src/python/requirements.ts'
import { disk } from '../../src/system/disk.ts'
import { type Tree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

const python = { path: '/usr/bin/python3', version: '3.11.2', searchPath: [], abi: 'cpython-311-x' }
const settings = defaults.python

async function viewOf(t: TestContext, tree: Tree): Promise<View> {
  const root = await makeFolder(t)
  await writeTree(root, tree)
  const place = (path: string) => (disk.kind(join(root, path)) === 'file' ? join(root, path) : null)
  return {
    place,
    text: async (path) => (place(path) === null ? null : disk.readText(join(root, path))),
    names: (folder) => disk.list(join(root, folder)),
  }
}

/** The wish of a main with these files; null for the bare interpreter. Mistakes fail. */
async function wishOf(t: TestContext, tree: Tree, own: Partial<typeof settings> = {}) {
  const asked = await readWish(await viewOf(t, tree), { ...settings, ...own }, disk)
  assert.ok('wish' in asked, JSON.stringify(asked))
  return asked.wish
}

async function mistakesOf(t: TestContext, tree: Tree): Promise<string[]> {
  const asked = await readWish(await viewOf(t, tree), settings, disk)
  assert.ok('mistakes' in asked, JSON.stringify(asked))
  return asked.mistakes.map(({ path, line, why }) => `${path}:${line}: ${why}`)
}

function address(wish: Wish | null, commits = {}, other: Partial<typeof python> = {}): string {
  assert.ok(wish !== null)
  return addressOf(wish, commits, { ...python, ...other }, '/srv/environments', settings)
}

const all: Tree = {
  gupfile: 'a,1',
  'requirements.txt': 'b==2',
  'pyproject.toml': '[project]\nname = "x"\ndependencies = ["c>=3", "d"]\n',
}

test('the gupfile decides, else requirements.txt, else pyproject.toml, else nobody', async (t) => {
  const { gupfile: _, ...withoutGup } = all
  const { 'requirements.txt': __, ...onlyProject } = withoutGup
  assert.equal((await wishOf(t, all))?.from, 'gupfile')
  assert.equal((await wishOf(t, withoutGup))?.from, 'requirements.txt')
  const wish = await wishOf(t, onlyProject)
  assert.equal(wish?.from, 'pyproject.toml')
  assert.deepEqual(wish && requirementsOf(wish, {}), ['c>=3', 'd'])
  assert.equal(await wishOf(t, { 'main.py': '' }), null)
})

test('a setting says which of them counts', async (t) => {
  assert.equal(await wishOf(t, all, { dependencies: 'none' }), null)
  assert.equal((await wishOf(t, all, { dependencies: 'requirements' }))?.from, 'requirements.txt')
  assert.equal((await wishOf(t, all, { dependencies: 'gupfile' }))?.from, 'gupfile')
  const { gupfile: _, ...withoutGup } = all
  assert.equal(await wishOf(t, withoutGup, { dependencies: 'gupfile' }), null)
})

test('files that ask for nothing leave the bare interpreter', async (t) => {
  assert.equal(await wishOf(t, { gupfile: '# nothing\n', 'requirements.txt': 'b' }), null)
  assert.equal(await wishOf(t, { 'requirements.txt': '# nothing\n--index-url http://x\n' }), null)
  assert.equal(await wishOf(t, { 'pyproject.toml': '[tool.ruff]\nline-length = 100\n' }), null)
  assert.equal(await wishOf(t, { 'pyproject.toml': '[project]\nname = "x"\n' }), null)
})

test('requirements.txt: what it names in main comes along, the rest is left to pip', async (t) => {
  const wish = await wishOf(t, {
    'requirements.txt': [
      '\uFEFF--extra-index-url https://x/simple',
      '-r more/base.txt   # ours',
      'a==1 \\',
      '  --hash=sha256:00',
      './wheels/b-1-py3-none-any.whl',
      'vendor/c-1.tar.gz',
      'd @ git+https://host/d@v1',
      '-c https://host/constraints.txt',
      'e @ file:///opt/e',
    ].join('\r\n'),
    'more/base.txt': '-c limits.txt\nf\n',
    'more/limits.txt': 'f<2\n',
    'wheels/b-1-py3-none-any.whl': 'b',
    'wheels/README': 'not a wheel',
    'vendor/c-1.tar.gz': 'c',
  })
  assert.deepEqual(
    wish?.files.map(({ path }) => path),
    ['requirements.txt', 'more/base.txt', 'more/limits.txt'],
  )
  assert.deepEqual(
    wish?.carried.map(({ path }) => path),
    ['vendor/c-1.tar.gz', 'wheels/b-1-py3-none-any.whl'],
  )
})

test('requirements.txt: what cannot be is a mistake with its line', async (t) => {
  const tree = {
    'requirements.txt': '-e .\n-r none.txt\n--requirement=../x.txt\n\n./lib\n-c /etc/passwd\na\n',
    'lib/setup.py': '',
  }
  const found = await mistakesOf(t, tree)
  assert.deepEqual(
    found.map((one) => one.slice(0, 'requirements.txt:1'.length)),
    [1, 2, 3, 5, 6].map((line) => `requirements.txt:${line}`),
  )
  assert.match(found[0] ?? '', /A folder of main cannot be a package/)
  assert.match(found[1] ?? '', /there is no file none\.txt/)
  assert.match(found[2] ?? '', /lies outside of main/)
})

test('pyproject.toml: what is no requirement is a mistake, not an option of pip', async (t) => {
  for (const text of [
    '[project]\ndependencies = ["--index-url=http://x"]',
    '[project]\ndependencies = ["a\\n--index-url=http://x"]',
    '[project]\ndependencies = "a"',
    '[project]\ndependencies = [1]',
    '[project\n',
  ]) {
    assert.match((await mistakesOf(t, { 'pyproject.toml': text }))[0] ?? '', /^pyproject\.toml:0: /)
  }
})

test('the address: the same for what means the same, another for all that changes something', async (t) => {
  const plain = address(await wishOf(t, { gupfile: 'a,1\nb,2\n' }))
  assert.match(plain, /^[0-9a-f]{16}$/)
  assert.equal(address(await wishOf(t, { gupfile: '# x\r\nB, v2\r\na,1', 'main.py': 'x' })), plain)
  const wish = await wishOf(t, { gupfile: 'a,1\nb,2\n' })
  assert.equal(address(wish, {}, { version: '3.11.9' }), plain, 'a repair of the same Python')
  const others = [
    address(wish, {}, { version: '3.12.0' }),
    address(wish, {}, { abi: 'cpython-311-y' }),
    address(wish, {}, { path: '/opt/python3' }),
    address(await wishOf(t, { gupfile: 'a,1\nb,2.1\n' })),
    address(await wishOf(t, { gupfile: 'a,1\nb,2\n', 'wheels/a-1-py3-none-any.whl': 'x' })),
    address(await wishOf(t, { gupfile: 'a,1\nb,2\n', 'wheels/a-1-py3-none-any.whl': 'y' })),
    address(await wishOf(t, { 'requirements.txt': 'a==1\nb==2\n' })),
  ]
  assert.equal(new Set([plain, ...others]).size, 1 + others.length)
})

test('requirements.txt: comments change no address, nested files do', async (t) => {
  const tree = { 'requirements.txt': 'a\n-r b.txt\n', 'b.txt': 'b==1\n' }
  const plain = address(await wishOf(t, tree))
  const noted = { ...tree, 'requirements.txt': '# ours\na   # ours\r\n\r\n-r b.txt' }
  assert.equal(address(await wishOf(t, noted)), plain)
  assert.notEqual(address(await wishOf(t, { ...tree, 'b.txt': 'b==2\n' })), plain)
})

const source = 'git+https://host/lib.git'

test('a source is asked for by its commit, which is part of the address', async (t) => {
  const wish = await wishOf(t, { gupfile: `lib[x],v1,${source}\nlocal,main,git+file:///srv/l\n` })
  assert.ok(wish !== null)
  const [one, other] = ['a'.repeat(40), 'b'.repeat(40)]
  assert.deepEqual(requirementsOf(wish, { lib: one, local: other }), [
    `lib[x] @ ${source}@${one}`,
    `git+file:///srv/l@${other}#egg=local`,
  ])
  const first = address(wish, { lib: one, local: other })
  assert.notEqual(address(wish, { lib: other, local: other }), first)
  // A comment changes the digest, by which commits are remembered, but not the address.
  const noted = await wishOf(t, {
    gupfile: `# again\nlib[x],v1,${source}\nlocal,main,git+file:///srv/l\n`,
  })
  assert.notEqual(noted?.digest, wish.digest)
  assert.equal(address(noted, { lib: one, local: other }), first)
})

test('a wheel of the same name and version stands in for a source; of several pip chooses', async (t) => {
  const gupfile = `some-lib,v3.0.3,${source}\n`
  const one = await wishOf(t, { gupfile, 'wheels/Some_Lib-3.0.3-py3-none-any.whl': 'x' })
  assert.deepEqual(one && requirementsOf(one, {}), ['./wheels/Some_Lib-3.0.3-py3-none-any.whl'])
  const two = await wishOf(t, {
    gupfile,
    'wheels/some_lib-3.0.3-cp311-cp311-linux_armv7l.whl': 'x',
    'wheels/some_lib-3.0.3-cp311-cp311-linux_aarch64.whl': 'x',
  })
  assert.deepEqual(two && requirementsOf(two, {}), ['some-lib==3.0.3'])
  const none = await wishOf(t, { gupfile, 'wheels/some_lib-3.0.4-py3-none-any.whl': 'x' })
  assert.deepEqual(none && requirementsOf(none, { 'some-lib': 'c' }), [`some-lib @ ${source}@c`])
})
