import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GupLine, parseGupfile } from '../../src/python/gupfile.ts'
import { randomFrom } from '../harness/random.ts'

const schemes = ['git+https', 'git+ssh', 'git+file']

/** What the lines come to: `name extras version source`, or `line N: why`. */
function read(text: string): string[] {
  const found = parseGupfile(text, schemes)
  return 'mistakes' in found
    ? found.mistakes.map(({ line, why }) => `line ${line}: ${why}`)
    : found.lines.map(({ name, extras, version, source }) =>
        [name + extras, version, source].filter(Boolean).join(' '),
      )
}

test('the gupfile of the README that the format comes from', () => {
  const text = `client-connector-lib,3.0.3,git+https://github.com/SENERGY-Platform/client-connector-lib.git
paho-mqtt,1.3.1
pycryptodome,3.6.3
pyserial,3.4
`
  assert.deepEqual(read(text), [
    'client-connector-lib 3.0.3 git+https://github.com/SENERGY-Platform/client-connector-lib.git',
    'paho-mqtt 1.3.1',
    'pycryptodome 3.6.3',
    'pyserial 3.4',
  ])
})

test('what editors on other systems make of it: CRLF, CR, a BOM, blanks, comments, no last line end', () => {
  assert.deepEqual(read('\uFEFF# ours\r\n\r\n  Paho_MQTT , v1.3.1 \r\n\tx.y,1.0,  \r\nz,2'), [
    'paho-mqtt 1.3.1',
    'x-y 1.0',
    'z 2',
  ])
  assert.deepEqual(read('a,1\rb,2'), ['a 1', 'b 2'])
  assert.deepEqual(read(''), [])
  assert.deepEqual(read('# nothing\n\n'), [])
})

test('versions are those of PEP 440, and a v before them', () => {
  for (const version of ['1', '1.0', 'v1.0', '1!2.0', '1.0a1', '1.0-rc.1', '1.0.post2', '1.0-1']) {
    assert.deepEqual(read(`a,${version}`), [`a ${version.replace('v', '')}`], version)
  }
  for (const version of ['1.0.dev3', '2024.1.1', '1.0+local.7', '1.0RC1', '1.0.0.0.0']) {
    assert.deepEqual(read(`a,${version}`), [`a ${version.toLowerCase()}`], version)
  }
  for (const version of [
    '*',
    '1.*',
    '>=1',
    '==1',
    '-1',
    '1..0',
    '1.0 --x',
    '1.0;python',
    'latest',
  ]) {
    assert.match(read(`a,${version}`)[0] ?? '', /^line 1: .* is not a version$/, version)
  }
})

test('a source: its version is a tag, a branch or a commit, as it is written', () => {
  const at = 'git+ssh://git@host.example/some/lib.git'
  assert.deepEqual(read(`a,v1.0,${at}`), [`a v1.0 ${at}`])
  assert.deepEqual(read(`a,feature/x,${at}`), [`a feature/x ${at}`])
  assert.deepEqual(read(`a[tls],1.0,git+file:///srv/lib`), ['a[tls] 1.0 git+file:///srv/lib'])
  for (const version of [
    '-x',
    '--upload-pack=x',
    'a..b',
    'a@{1}',
    'x.lock',
    'x/',
    '/x',
    'a b',
    '$(x)',
  ]) {
    assert.match(read(`a,${version},${at}`)[0] ?? '', /is not a tag, a branch or a commit/, version)
  }
})

test('anything else in the place of a source is refused', () => {
  const strange = [
    'git+http://host/x',
    'git+git://host/x',
    'https://host/x',
    'git+https://',
    'git+https:///x',
    'git+https://host',
    'git+https://host/',
    'git+https://-oProxyCommand=x/y',
    'git+ssh://-oProxyCommand=x/y',
    'git+ssh://-l@host/y',
    'git+https://host/x@1.0',
    'git+https://host/x#egg=y',
    'git+https://host/x?y',
    'git+https://host/x y',
    'git+https://host/x --index-url=z',
    'git+https://host/x;y',
    `git+https://host/$${'{HOME}'}`,
    'git+https://host/$HOME',
    'git+https://host/%0a--x',
    'git+https://host/%1b',
    'git+https://host/%7F',
    'git+file://host/x',
    'git+file://',
    'ext::sh -c x',
    '--index-url=http://x',
    '../x',
  ]
  for (const source of strange) assert.match(read(`a,1.0,${source}`)[0] ?? '', /^line 1: /, source)
})

test('the whole file is refused, and each mistake has its line', () => {
  assert.deepEqual(read('a,1\n--index-url=http://x,1\nb\n\nc,1,2,3\nd,1\na,2\n'), [
    'line 2: "--index-url=http://x" is not the name of a package',
    'line 3: expected "package,version" or "package,version,source"',
    'line 5: expected "package,version" or "package,version,source"',
    'line 7: a is on line 1 too, and not the same',
  ])
  assert.deepEqual(read('a,1\nA,1'), ['a 1'], 'the same twice is no mistake')
  assert.match(read('a,1\n'.repeat(3_000))[0] ?? '', /^line 0: it has more than/)
  assert.deepEqual(read(`${'x'.repeat(2_000)},1`), ['line 1: the line is too long'])
  assert.match(read('a,\nb,1')[0] ?? '', /^line 1: expected/)
})

test('an address as scp has it is told from one with a port', () => {
  const at = (source: string) => parseGupfile(`lib,main,${source}`, ['git+ssh'])
  assert.match(JSON.stringify(at('git+ssh://git@host:org/lib.git')), /after the host there is a \//)
  for (const source of ['git+ssh://git@host:22/lib.git', 'git+ssh://host/a:b']) {
    assert.ok('lines' in at(source), source)
  }
})

test('a password in an address is not shown', () => {
  const [why = ''] = read('a,1.0,git+https://user:secret@host/x@y')
  assert.match(why, /\*\*\*\*@host/)
  assert.doesNotMatch(why, /secret/)
})

function expectPlain({ name, extras, version, source }: GupLine): void {
  assert.match(name, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
  assert.match(extras, /^(\[[a-z0-9._-]+\])?$/)
  assert.match(version, /^[0-9A-Za-z][0-9A-Za-z._/+!-]*$/)
  if (source !== null) assert.match(source, /^git\+(https|ssh|file):\/\/[!-~]+$/)
  assert.doesNotMatch(source ?? '', /[\s#$;'"`\\{}<>|?]|%0|^git\+(https|ssh):\/\/-/)
}

test('whatever is in it: nothing gets through that means more than a name, a version or an address', () => {
  const random = randomFrom(20_261_122)
  const pieces = [
    ...['a', 'paho-mqtt', '1.0', 'v2', ',', ',', ',', '\n', '\r\n', ' ', '\t', '#', ';', '-', '--'],
    ...[
      '--index-url=',
      '-r',
      '-e',
      '@',
      '==',
      '[x]',
      '[',
      ']',
      `$${'{HOME}'}`,
      '$',
      '`',
      "'",
      '"',
      '\\',
    ],
    ...[
      'git+https://',
      'git+ssh://',
      'git+file:///',
      'host/',
      'x.git',
      '..',
      '.lock',
      '\0',
      '\x1b',
    ],
    ...['\u2028', '\u00a0', 'ä', '\ud800', '%0a', '/', ':', '|', '&', '(', '*', '{', '~', '\u202e'],
  ]
  const lines = [
    'a,1.0',
    'paho-mqtt[tls],v1.3.1\r\nb,2',
    'lib,3.0.3,git+https://user@host:8443/some/lib.git',
    'lib,main,git+ssh://git@host/lib\na,1',
    'lib,v1,git+file:///srv/lib',
  ]
  let accepted = 0
  for (let round = 0; round < 20_000; round += 1) {
    let text = lines[Math.floor(random() * lines.length)] ?? ''
    for (let left = Math.floor(random() * 4); left > 0; left -= 1) {
      const at = Math.floor(random() * (text.length + 1))
      const piece = pieces[Math.floor(random() * pieces.length)] ?? ''
      text = text.slice(0, at) + piece + text.slice(at + (random() < 0.3 ? piece.length : 0))
    }
    const found = parseGupfile(text, schemes)
    if ('mistakes' in found) continue
    accepted += found.lines.length
    for (const line of found.lines) expectPlain(line)
  }
  assert.ok(accepted > 5_000, `only ${accepted} lines were accepted`)
})
