import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { parseManifest } from '../../src/source/deposit/manifest.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

const sum = 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c'
const other = sum.replaceAll('b', 'c')

/** What the lists of a text are; a text says what is wrong with it. */
function read(text: string): [string, string][] | string {
  const found = parseManifest(text, 'SHA256SUMS')
  return typeof found === 'string' ? found : [...found]
}

test('what the real sha256sum writes is understood, whatever the names are', async (t) => {
  const folder = await makeFolder(t)
  const names = [
    'main.py',
    'pkg/a b.py',
    ' leading blank',
    'back\\slash',
    'line\nbreak',
    'both\\\n',
    'carriage\rreturn',
    '*star',
    'ünïcödé',
  ]
  await writeTree(folder, Object.fromEntries(names.map((name) => [name, 'foo\n'])))
  for (const mode of ['--text', '--binary']) {
    const text = execFileSync('sha256sum', [mode, '--', ...names], {
      cwd: folder,
      encoding: 'utf8',
      env: cleanEnvironment(),
    })
    assert.deepEqual(
      read(text),
      names.map((name) => [name, sum]),
      mode,
    )
  }
})

test('Windows line ends, capitals, ./ in front and no line end at the end are no mistakes', () => {
  const text = `${sum.toUpperCase()}  main.py\r\n\r\n${other} *./pkg/a.py\r\n${sum}  ././b`
  assert.deepEqual(read(text), [
    ['main.py', sum],
    ['pkg/a.py', other],
    ['b', sum],
  ])
})

test('signs that some programs take for a line end are a part of the name', () => {
  assert.deepEqual(read(`${sum}  a\u2028b\n${sum}  a\rb\n`), [
    ['a\u2028b', sum],
    ['a\rb', sum],
  ])
})

test('its own line, which `sha256sum * > SHA256SUMS` makes, is passed over', () => {
  assert.deepEqual(read(`${other}  SHA256SUMS\n${sum}  main.py\n${sum}  sub/SHA256SUMS\n`), [
    ['main.py', sum],
    ['sub/SHA256SUMS', sum],
  ])
  assert.equal(read(`${other}  SHA256SUMS\n`), 'it lists nothing')
})

const wrong = {
  'nothing at all': ['', /lists nothing/],
  'empty lines only': ['\n\r\n\n', /lists nothing/],
  'another text': ['hello\n', /^line 1 is not as sha256sum writes it$/],
  'a sum that is cut off': [`${sum}  a\n${sum.slice(0, 40)}`, /^line 2 is not/],
  'a line that ends after its sum': [`${sum}  `, /^line 1 is not/],
  'the sums of another program': [`${sum.slice(0, 32)}  a\n`, /^line 1 is not/],
  'the format of --tag': [`SHA256 (a) = ${sum}\n`, /^line 1 is not/],
  'one blank': [`${sum} a\n`, /^line 1 is not/],
  'a way out of the deposit': [`${sum}  ../a\n`, /^line 1: \.\.\/a is not a path inside/],
  'a way out in the middle': [`${sum}  a/../../b\n`, /is not a path inside/],
  'an absolute path': [`${sum}  /etc/passwd\n`, /is not a path inside/],
  'a folder': [`${sum}  a/\n`, /is not a path inside/],
  'the root': [`${sum}  .\n`, /is not a path inside/],
  'empty parts': [`${sum}  a//b\n`, /is not a path inside/],
  'a name twice': [`${sum}  a\n${sum}  b\n${other}  ./a\n`, /^line 3: a is listed twice$/],
  'a NUL byte': [`${sum}  a\0b\n`, /is not/],
} as const

for (const [what, [text, why]] of Object.entries(wrong)) {
  test(`refused with the number of the line: ${what}`, () => {
    const found = read(text)
    assert.ok(typeof found === 'string', JSON.stringify(found))
    assert.match(found, why)
  })
}
