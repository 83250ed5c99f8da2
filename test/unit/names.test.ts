import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { nameKinds } from '../../src/source/deposit/names.ts'

const kindOf = nameKinds(defaults)
const isLeftAlone = (name: string) => ['keep', 'temporary'].includes(kindOf(name))

const stay = {
  'names that keep a folder in git': ['.keep', '.gitkeep'],
  'what lftp writes to': ['.in.main.py', '.in..env'],
  'what WinSCP writes to': ['main.py.filepart'],
  'what rsync writes to': ['.main.py.aB3dE9', '.data.tar.gz.000000', '..env.Zzzzzz', '.~tmp~'],
  'what rsync --partial-dir keeps': ['.rsync-partial'],
  'what Pure-FTPd writes to': ['.pureftpd-upload.5f2b1c0a.15.1a2b.cafe'],
  'what browsers and other clients write to': ['a.part', 'a.partial', 'a.crdownload', 'a.tmp'],
  'what editors leave': ['main.py~', '.main.py.swp', '.main.py.swx'],
}

const go = {
  'dot files': ['.env', '.env.sample', '.env.local', '.gitignore', '.in', '.htaccess'],
  'names that only resemble those of rsync': [
    'main.py.aB3dE9',
    '.main.py.aB3dE',
    '.main.py.aB3dE90',
    '.main.py.aB3-E9',
    '.aB3dE9',
  ],
  'names that only resemble other temporary ones': [
    'in.main.py',
    'main.part.py',
    'apart',
    'tmp',
    'main.py~old',
  ],
  'names that only resemble those of git': ['keep', '.keep.py', 'a.keep', '.gitkeep2'],
  'names with signs that mean something in patterns': ['a+b.py', '(x).py', '[y].py', '$z', 'a\\b'],
}

for (const [what, names] of Object.entries(stay)) {
  test(`left alone: ${what}`, () => {
    for (const name of names) assert.equal(isLeftAlone(name), true, name)
  })
}

for (const [what, names] of Object.entries(go)) {
  test(`deployed: ${what}`, () => {
    for (const name of names) assert.equal(isLeftAlone(name), false, name)
  })
}

test('a name with a line break is matched as a whole', () => {
  assert.equal(isLeftAlone('a\nb.tmp'), true)
  assert.equal(isLeftAlone('a.tmp\nb'), false)
  assert.equal(isLeftAlone('.keep\n'), false)
})

test('the patterns are those of the settings, and nothing else', () => {
  const deposit = { ...defaults.deposit, keep: ['[a].+'], temporary: ['*.half', 'x*y*'] }
  const kindNow = nameKinds({ ...defaults, deposit })
  const isLeftAloneNow = (name: string) => ['keep', 'temporary'].includes(kindNow(name))
  const names = ['[a].+', 'a.half', 'xy', 'x1y2', 'a', 'a.b', 'half', '.keep', 'a.tmp', 'ax1y2']
  assert.deepEqual(names.filter(isLeftAloneNow), ['[a].+', 'a.half', 'xy', 'x1y2'])
})

test('markers, the manifest and our own answer count in the root only', () => {
  const root = ['.hold', '.skipdeploy', '.go', '.dodeploy', 'SHA256SUMS', 'DEPOSIT-RESULT.txt']
  assert.deepEqual(root.map(kindOf), ['hold', 'hold', 'go', 'go', 'manifest', 'own'])
  assert.deepEqual(
    root.map((name) => kindOf(`pkg/${name}`)),
    root.map(() => 'content'),
  )
})

test('what editors, syncers and Python leave behind is junk, with all that is in it', () => {
  const junk = [
    '__pycache__/a.cpython-311.pyc',
    'pkg/a.pyc',
    '.git/HEAD',
    '.venv/bin/python',
    'x/.DS_Store',
  ]
  assert.deepEqual(
    junk.map(kindOf),
    junk.map(() => 'junk'),
  )
  assert.deepEqual(
    ['.gitignore', 'git', 'a.pyc.txt', 'venv.py'].map(kindOf),
    Array(4).fill('content'),
  )
})

test('what is to be ignored is left alone, whatever else its name says, with all that is in it', () => {
  const ignore = ['data', '*.csv', '*.pyc', '.hold', 'SHA256SUMS', '*.part']
  const kindNow = nameKinds({ ...defaults, deposit: { ...defaults.deposit, ignore } })
  const alone = ['data', 'data/a.py', 'x/data/b', 'x.csv', 'a/b.csv', 'm.pyc', '.hold', 'a.part']
  assert.deepEqual(
    [...alone, 'SHA256SUMS'].map(kindNow),
    [...alone, 'SHA256SUMS'].map(() => 'ignored'),
  )
  assert.deepEqual(['data2', 'x.csv.py', 'a.pyo'].map(kindNow), ['content', 'content', 'junk'])
})
