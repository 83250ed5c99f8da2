import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Corpus, type Hostile, type Place, testCorpus, tree } from '../harness/hostile.ts'

const committed = { says: /committed/, becomes: 'committed' } as const
const stays = 'import time\nwhile True:\n    time.sleep(0.2)\n'

/** Would tell if anybody ran it. */
const tellTale = 'open(__file__ + ".was-run", "w").close()\n'

function broken(source: string | Buffer, says: RegExp): Hostile {
  return { make: tree({ 'broken/x.py': source }), says, becomes: 'held' }
}

function notRun({ dir }: Place): void {
  const found = execFileSync('find', [dir, '-name', '*.was-run'], { encoding: 'utf8' })
  assert.equal(found, '', 'a deposited file was run')
}

const programs: Corpus = {
  'main.py as a folder': {
    make: tree({ 'main.py/x.py': 'x = 1\n' }),
    says: /main\.py is a folder in the deposit but a file in main/,
    becomes: 'rejected',
  },
  'main.py with nothing in it': { make: tree({ 'main.py': '' }), ...committed },
  'main.py that is binary': {
    make: tree({ 'main.py': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0xff, 0xfe]) }),
    says: /main\.py(, line \d+)?: (SyntaxError|ValueError)/,
    becomes: 'held',
  },
  'a module with NUL bytes': broken('x = 1\0\n', /x\.py.*null bytes/),
  'a module with a syntax error': broken('def f(:\n', /broken\/x\.py, line 1: SyntaxError/),
  'a module with an expression of 50,000 terms': broken(
    `x = ${'1 + '.repeat(50_000)}1\n`,
    /broken\/x\.py: (RecursionError|MemoryError)|could not be checked/,
  ),
  'a module nested too deep': broken(
    `x = ${'('.repeat(50_000)}${')'.repeat(50_000)}\n`,
    /broken\/x\.py.*(SyntaxError|MemoryError|RecursionError)/,
  ),
  'a module with 200,000 signs in a row': broken(
    `x = ${'-'.repeat(200_000)}1\n`,
    /broken\/x\.py.*(SyntaxError|MemoryError|RecursionError)/,
  ),
  'a module with a coding that does not exist': broken(
    '# -*- coding: nonsense -*-\n',
    /x\.py.*unknown encoding: nonsense/,
  ),
  'a module that is not in its coding': broken(
    Buffer.from('x = "\xff"\n', 'latin1'),
    /broken\/x\.py.*(utf-8|Non-UTF-8)/,
  ),
  'a module cut in mid-line': broken(
    'def f():\n    return (1,\n',
    /SyntaxError: '\(' was never closed/,
  ),
  'a mark at the start of main.py': { make: tree({ 'main.py': `\ufeff${stays}` }), ...committed },
  'main.py with CRLF': { make: tree({ 'main.py': stays.replaceAll('\n', '\r\n') }), ...committed },
  'main.py with CR only': { make: tree({ 'main.py': stays.replaceAll('\n', '\r') }), ...committed },
  'modules with the names of those that the check needs': {
    ...committed,
    make: tree(
      Object.fromEntries(
        ['ast', 'struct', 'json', 'os', 'sitecustomize', 'usercustomize', 'encodings/__init__'].map(
          (name) => [`shadows/${name}.py`, tellTale],
        ),
      ),
    ),
    check: notRun,
  },
  'the same in the root, and a program that does not compile': {
    make: tree({
      ...Object.fromEntries(
        ['ast', 'struct', 'json', 'sitecustomize', 'usercustomize', 'gzip'].map((name) => [
          `${name}.py`,
          tellTale,
        ]),
      ),
      'main.py': 'import ast, struct, json\n(\n',
    }),
    says: /main\.py, line 2: SyntaxError/,
    becomes: 'held',
    check: notRun,
  },
  'a package whose parts are looked for is not run': {
    ...committed,
    make: tree({
      'pkg/__init__.py': tellTale,
      'pkg/part.py': tellTale,
      'main.py': `try:\n    pass\nexcept Exception:\n    import pkg.part\n${stays}`,
    }),
    check: notRun,
  },
  'main.py in one folder': {
    ...committed,
    make: tree({ 'app/main.py': stays }),
  },
  'a coding cookie that is a codec of bytes': broken('# coding: rot13\nk = 1\n', /x\.py.*encoding/),
}

const sumOf = (text: string) => createHash('sha256').update(text).digest('hex')
const sum = sumOf('x')

/** A manifest beside `m.txt`, which holds an `x`. */
function listing(text: string, says: RegExp, becomes: Hostile['becomes'] = 'rejected'): Hostile {
  return { make: tree({ 'm.txt': 'x', SHA256SUMS: text }), says, becomes }
}

const manifests: Corpus = {
  'a manifest that leads out': listing(`${sum}  ../m.txt\n`, /line 1: \.\.\/m\.txt is not a path/),
  'a manifest that leads out from below': listing(`${sum}  a/../../m.txt\n`, /is not a path/),
  'a manifest with an absolute path': listing(
    `${sum}  /etc/passwd\n`,
    /\/etc\/passwd is not a path/,
  ),
  'a manifest with a name twice': listing(
    `${sum}  m.txt\n${sum}  m.txt\n`,
    /m\.txt is listed twice/,
  ),
  'a manifest with a wrong sum': listing(`${sumOf('y')}  m.txt\n`, /m\.txt does not have the sum/),
  'a manifest of what is not there': listing(`${sum}  n.txt\n`, /n\.txt is missing/),
  'a manifest with a torn line': listing(
    `${sum}  m.txt\n${sum.slice(9)}`,
    /line 2 is not as sha256sum/,
  ),
  'a manifest that is prose': listing('all is well\n', /line 1 is not as sha256sum/),
  'a manifest with nothing in it': listing('', /it lists nothing/),
  'a manifest that lists only itself': listing(`${sum}  SHA256SUMS\n`, /it lists nothing/),
  'a manifest that lists itself too': listing(
    `${sum}  SHA256SUMS\n${sum}  m.txt\n`,
    /committed/,
    'committed',
  ),
  'a manifest of bytecode, too, as find lists it': {
    make: tree({
      'm.txt': 'x',
      '__pycache__/m.cpython-311.pyc': 'x',
      SHA256SUMS: `${sum}  ./__pycache__/m.cpython-311.pyc\n${sum}  ./m.txt\n`,
    }),
    says: /committed/,
    becomes: 'committed',
  },
  'a manifest of nothing but bytecode': listing(`${sum}  m.pyc\n`, /it lists nothing that is/),
  'a manifest with a temporary name': listing(
    `${sum}  m.tmp\n${sum}  m.txt\n`,
    /m\.tmp has a temporary name/,
  ),
  'a manifest with CRLF': listing(`${sum}  m.txt\r\n`, /committed/, 'committed'),
  'a manifest with an escaped name': {
    make: tree({ 'two\nlines': 'x', SHA256SUMS: `\\${sum}  two\\nlines\n` }),
    ...committed,
  },
  'a manifest whose escapes forge a line': listing(
    `\\${sum}  gone\\nr9: committed\n`,
    /gone\\u000ar9: committed is missing/,
  ),
  'a manifest that lists a folder': {
    make: tree({ 'f/m.txt': 'x', SHA256SUMS: `${sum}  f\n` }),
    says: /f is not a file/,
    becomes: 'rejected',
  },
  'a manifest that lists a link': {
    make: async (place) => {
      await tree({ 'm.txt': 'x', SHA256SUMS: `${sum}  to\n` })(place)
      await symlink(join(place.outside, 'secret.txt'), join(place.upload, 'to'))
    },
    says: /to is not a file/,
    becomes: 'rejected',
  },
  'a manifest of 20 MB': listing('x'.repeat(20_000_001), /SHA256SUMS is not a text file/),
  'a manifest of 19 MB': listing(`${sum}  ${'n'.repeat(100)}\n`.repeat(112_000), /listed twice/),
  'a manifest that is a folder': {
    make: tree({ 'SHA256SUMS/in.txt': 'x', 'm.txt': 'x' }),
    ...committed,
    check: ({ dir }) => assert.ok(existsSync(join(dir, 'main/SHA256SUMS/in.txt'))),
  },
  'a manifest that is a link': {
    make: async (place) => {
      await tree({ 'm.txt': 'x' })(place)
      await symlink(join(place.outside, 'secret.txt'), join(place.upload, 'SHA256SUMS'))
    },
    says: /SHA256SUMS is not a text file/,
    becomes: 'rejected',
  },
  'a manifest that is a pipe': {
    make: async (place) => {
      await tree({ 'm.txt': 'x' })(place)
      execFileSync('mkfifo', [join(place.upload, 'SHA256SUMS')])
    },
    says: /SHA256SUMS is not a text file/,
    becomes: 'rejected',
  },
  'a manifest further down is just a file': {
    make: async (place) => {
      await mkdir(join(place.upload, 'deep'))
      await tree({ 'deep/SHA256SUMS': 'nonsense\n' })(place)
    },
    ...committed,
  },
}

testCorpus('hostile programs', programs)
testCorpus('hostile manifests', manifests)
