import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { type Corpus, type Hostile, type Place, testCorpus, tree } from '../harness/hostile.ts'

const committed = { says: /committed/, becomes: 'committed' } as const

/** Names that are odd and nothing more: they are deployed as they are. */
const oddNames = [
  'two\nlines.txt',
  '\x01\x1b[2J\x7f.txt',
  `${'n'.repeat(251)}.txt`,
  `${'p'.repeat(252)}.py`,
  'trailing ',
  'trailing..',
  '   ',
  '-rf',
  '🐍.py',
  '..foo',
  '...',
  'back\\slash',
  '..\\up',
  '$(reboot)',
  'quote\'"',
  'ä\u0308',
  '%s%n',
  'CON',
]

const oddFolder = 'ä"\'\\ \t\n🐍'

const names: Corpus = {
  'odd names, all together': {
    ...committed,
    make: tree(Object.fromEntries(oddNames.map((name) => [name, 'x = 1\n']))),
    check: ({ dir }) => {
      for (const name of oddNames) {
        assert.equal(readFileSync(`${dir}/main/${name}`, 'utf8'), 'x = 1\n', JSON.stringify(name))
      }
    },
  },
  'a folder with an odd name': {
    ...committed,
    make: tree({ [`${oddFolder}/data.txt`]: 'y' }),
    check: ({ dir }) => assert.ok(existsSync(`${dir}/main/${oddFolder}/data.txt`)),
  },
  ...Object.fromEntries(
    ['.wh.', '.wh..', '.wh...', '.wh..wh.', '.wh..wh.x'].map((name): [string, Hostile] => [
      `a whiteout ${name}`,
      { make: tree({ [name]: '' }), says: /is not a whiteout/, becomes: 'rejected' },
    ]),
  ),
  'a whiteout that is a folder': {
    make: tree({ '.wh.good/in.txt': '' }),
    says: /\.wh\.good is not a whiteout/,
    becomes: 'rejected',
  },
  'a whiteout that is a link': {
    make: ({ upload, outside }) => symlink(outside, join(upload, '.wh.main.py')),
    says: /\.wh\.main\.py is not a whiteout/,
    becomes: 'rejected',
  },
  "a whiteout of the daemon's own folder": {
    make: tree({ '.wh..supervisor': '' }),
    says: /the name \.supervisor belongs to ota-supervisor/,
    becomes: 'rejected',
  },
  'a whiteout of the program without a new one': {
    make: tree({ '.wh.main.py': '' }),
    says: /there would be no main\.py/,
    becomes: 'held',
  },
  'an opaque whiteout of the root': {
    make: tree({ '.wh..wh..opq': '' }),
    says: /there would be no main\.py/,
    becomes: 'held',
  },
  'a name that is not UTF-8': {
    make: ({ upload }) => writeFile(Buffer.from(`${upload}/bad\xff`, 'latin1'), 'x'),
    says: /bad\ufffd is not a file or folder/,
    becomes: 'rejected',
  },
  'a folder whose name is not UTF-8': {
    make: async ({ upload }) => {
      await mkdir(Buffer.from(`${upload}/bad\xff`, 'latin1'))
      await writeFile(Buffer.from(`${upload}/bad\xff/in.txt`, 'latin1'), 'x')
    },
    says: /bad\ufffd is not a file or folder/,
    becomes: 'rejected',
  },
  'a name that forges a line': {
    make: ({ upload }) => symlink('nowhere', join(upload, 'a\nr9: committed')),
    says: /a\\u000ar9: committed is a symbolic link/,
    becomes: 'rejected',
    check: ({ dir }) => {
      const [log = ''] = readdirSync(join(dir, 'logs'))
      assert.doesNotMatch(readFileSync(join(dir, 'logs', log), 'utf8'), /^r9: committed/m)
    },
  },
  'a name that upsets a terminal': {
    make: ({ upload }) => symlink('nowhere', join(upload, 'a\x1b[2J')),
    says: /a\\u001b\[2J is a symbolic link/,
    becomes: 'rejected',
  },
  'the name of our own folder': {
    make: tree({ '.supervisor/history.jsonl': 'x' }),
    says: /the name \.supervisor belongs to/,
    becomes: 'rejected',
  },
  'the name of our own folder, further down': {
    make: tree({ 'a/b/.supervisor/lock': 'x' }),
    says: /a\/b\/\.supervisor: the name \.supervisor belongs to/,
    becomes: 'rejected',
  },
  'the name of our own folder as a file': {
    make: tree({ '.supervisor': 'x' }),
    says: /the name \.supervisor belongs to/,
    becomes: 'rejected',
  },
  'a virtual environment': {
    make: tree({ 'env/pyvenv.cfg': 'home = /usr/bin\n' }),
    says: /the virtual environment of another machine/,
    becomes: 'rejected',
  },
  'a folder 200 deep': {
    ...committed,
    make: tree({ [`${'d/'.repeat(200)}x.py`]: 'x = 1\n' }),
  },
  'a path of 3,070 bytes': {
    make: (place) => makeDeep(place, 13),
    says: /more than 3000/,
    becomes: 'rejected',
    check: removeDeep,
  },
  'a path of more than 4,096 bytes': {
    make: (place) => makeDeep(place, 19),
    says: /lies too deep/,
    becomes: 'left',
    check: removeDeep,
  },
  'names that differ in case only': {
    ...committed,
    make: tree({ 'case/a.py': 'x = 1\n', 'case/A.py': 'x = 2\n', 'Main.py': '', 'MAIN.PY': '' }),
    check: ({ dir }) => assert.deepEqual(readdirSync(join(dir, 'main/case')).length, 3),
  },
}

/** Makes folders that no absolute path reaches, one from within the other. */
function makeDeep(place: Place, levels: number): void {
  const { t, upload } = place
  afterwards(t, () => removeDeep(place))
  const script = `import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    os.mkdir("deep" * 55)
    os.chdir("deep" * 55)
open("end." * 50, "w").close()
`
  execFileSync('python3', ['-c', script, upload, `${levels}`], { env: cleanEnvironment() })
}

function removeDeep({ dir }: Place): void {
  // Node's own rm cannot: the path is too long for it.
  for (const place of ['upload', 'deposit', '.supervisor/rejected']) {
    for (const name of readdirSync(join(dir, place)).filter((one) => /^deep|^r\d+$/.test(one))) {
      execFileSync('rm', ['-rf', join(dir, place, name)])
    }
  }
}

testCorpus('hostile names', names)
