import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { readSettings } from '../../src/config-file.ts'
import { settingsOf } from '../../src/config-names.ts'
import { OperationalError } from '../../src/errors.ts'
import { type Random, randomFrom } from '../harness/random.ts'

/** Whatever stands in supervisor.toml, the answer is a configuration or one message, and soon. */

/** The processor time that one text may take, in ms; other work of the machine does not count. */
const mostMs = 1_000

async function isAnswered(text: string, name: string): Promise<boolean> {
  const before = process.cpuUsage()
  let isRight = true
  try {
    const { config } = await readSettings(text, '/p/supervisor.toml')
    assert.deepEqual(
      Object.keys(config).map((key) => Object.keys(config[key as keyof typeof config])),
      Object.values(defaults).map((section) => Object.keys(section)),
      name,
    )
    for (const { written } of settingsOf(config)) assert.ok(written !== undefined, name)
  } catch (error) {
    const isExpected = error instanceof OperationalError && error.code === 'ECONFIG'
    if (!isExpected)
      throw new Error(`${name}: ${JSON.stringify(text.slice(0, 500))}`, { cause: error })
    assert.ok(error.message.length < 20_000, name)
    assert.doesNotMatch(error.message, /undefined|\[object/, name)
    isRight = false
  }
  const { user, system } = process.cpuUsage(before)
  assert.ok((user + system) / 1_000 < mostMs, `${name}: ${(user + system) / 1_000} ms`)
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false, name)
  return isRight
}

function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)]
}

/** A valid file with some of the settings. */
function validText(random: Random): string {
  const some = settingsOf(defaults).filter(() => random() < 0.3)
  const lines = some.map(({ name, written }) => `${name} = ${JSON.stringify(written)}`)
  return random() < 0.5 ? lines.join('\n') : `${lines.join('\r\n')}\r\n[program.env]\r\nA = "b"`
}

const pieces = [
  ...['[', ']', '[[', ']]', '{', '}', '=', '.', ',', '#', '"', "'", '"""', "'''", '\\', '\n', '\r'],
  ...['\u0000', '\uFEFF', '\u2028', 'ü', '😀', '\\u0000', '\\UFFFFFFFF', '\x1b[31m'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'polluted = 1'],
  ...['[__proto__]\n', '[constructor.prototype]\n', '__proto__.polluted = 1\n', '[program]\n'],
  ...['1e999', '-1e999', 'inf', 'nan', '-0', '9007199254740993', '0x7fffffffffffffff', '1_0'],
  ...['1979-05-27T07:32:00Z', '25:61:61', 'true', '"0s"', '"-1s"', '"99999999999999999999h"'],
  ...[
    '"1e5GB"',
    '[1, "2"]',
    '{ a = 1 }',
    'program.env = { A = 1 }',
    'program = 1',
    '{ program = }',
  ],
]

function mutated(text: string, random: Random): string {
  const at = Math.floor(random() * (text.length + 1))
  const end = Math.min(text.length, at + Math.floor(random() * 20))
  switch (Math.floor(random() * 5)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, end) + text.slice(at)
    case 2:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(end)
    case 3:
      return `${text.slice(0, at)}\n${pick(pieces, random)}\n${text.slice(at)}`
    default:
      return text.slice(0, at) + pick(pieces, random) + text.slice(end)
  }
}

test('valid files that were changed here and there', async () => {
  let accepted = 0
  for (let seed = 1; seed <= 800; seed += 1) {
    const random = randomFrom(seed)
    let text = validText(random)
    const changes = Math.floor(random() * 6)
    for (let change = 0; change < changes; change += 1) text = mutated(text, random)
    if (await isAnswered(text, `seed ${seed}`)) accepted += 1
  }
  assert.ok(accepted > 50 && accepted < 750, `${accepted} were accepted`)
})

test('bytes, and pieces of TOML, in any order', async () => {
  for (let seed = 1; seed <= 1_000; seed += 1) {
    const random = randomFrom(seed)
    const length = Math.floor(random() * 300)
    const bytes = Array.from({ length }, () => Math.floor(random() * 256))
    await isAnswered(Buffer.from(bytes).toString('latin1'), `bytes ${seed}`)
    const some = Array.from({ length: length / 6 }, () => pick(pieces, random)).join('')
    await isAnswered(some, `pieces ${seed}`)
  }
})

const many = 120_000

/** Texts as long as a file may be, or longer, that could keep a parser busy. */
const long: Readonly<Record<string, string>> = {
  'lists in lists': `a = ${'['.repeat(many)}`,
  'lists in lists, closed': `a = ${'['.repeat(900)}${']'.repeat(900)}`,
  'tables in tables': `a = ${'{a='.repeat(many / 3)}`,
  'tables in tables, closed': `a = ${'{a='.repeat(900)}1${'}'.repeat(900)}`,
  'a dotted key': `${'a.'.repeat(many)}a = 1`,
  'a dotted head': `[${'a.'.repeat(many)}a]`,
  'a dotted key in a list': `deposit.ports = [{ ${'a.'.repeat(many)}a = 1 }]`,
  'a long list': `deposit.ports = [${'1,'.repeat(many)}]`,
  'a long list of wrong things': `deposit.ports = [${'0,'.repeat(many)}]`,
  'a long text': `program.cwd = "${'x'.repeat(2 * many)}"`,
  'a long text of several lines': `program.cwd = """${'x\n'.repeat(many)}"""`,
  'a long text with quotes': `program.cwd = """${'""x'.repeat(many / 2)}"""`,
  'a text that does not end': `program.cwd = "${'x'.repeat(2 * many)}`,
  'texts that do not end': `program.cwd = ${'"""\n'.repeat(many / 2)}`,
  backslashes: `program.cwd = "${'\\\\'.repeat(many)}"`,
  'a long key': `${'x'.repeat(2 * many)} = 1`,
  'a long number': `program.crash_limit = ${'9'.repeat(2 * many)}`,
  'a long duration': `trial.time = "${'9'.repeat(2 * many)}h"`,
  'a long fraction': `trial.time = "0.${'9'.repeat(2 * many)}h"`,
  'a duration of many dots': `trial.time = "${'1.'.repeat(many)}h"`,
  'a long size': `log.max_line = "${'9'.repeat(2 * many)}GB"`,
  stars: `deposit.ignore = ["${'*'.repeat(2 * many)}"]`,
  'a path of dots': `program.entry = "${'../'.repeat(many / 2)}x"`,
  'many unknown keys': Array.from({ length: many / 6 }, (_, at) => `k${at} = 1`).join('\n'),
  'many unknown sections': Array.from({ length: many / 6 }, (_, at) => `[k${at}]`).join('\n'),
  'many variables': `[program.env]\n${Array.from({ length: many / 10 }, (_, at) => `K${at} = "1"`).join('\n')}`,
  'many wrong variables': `[program.env]\n${Array.from({ length: many / 10 }, (_, at) => `K${at} = 1`).join('\n')}`,
  'many arrays of tables': '[[a]]\n'.repeat(many / 3),
  'empty lines': '\n'.repeat(2 * many),
  'line ends': '\r\n'.repeat(many),
  'a long comment': `#${'x'.repeat(2 * many)}`,
  NUL: '\0'.repeat(many),
}

for (const [name, text] of Object.entries(long)) {
  test(`long: ${name}`, async () => {
    await isAnswered(text, name)
  })
}

const prototypes = [
  '__proto__ = 1',
  '__proto__.polluted = 1',
  '[__proto__]\npolluted = 1',
  '[[__proto__]]\npolluted = 1',
  'a = { __proto__ = { polluted = 1 } }',
  'constructor.prototype.polluted = 1',
  '[program.__proto__]\npolluted = 1',
  '[program]\nconstructor = 1\ntoString = 2\nhasOwnProperty = 3',
  '[program.env]\n__proto__ = "1"',
  '[program.env.__proto__]\npolluted = "1"',
  '[program]\n"__proto__".polluted = 1',
]

for (const text of prototypes) {
  test(`refused: ${JSON.stringify(text)}`, async () => {
    assert.equal(await isAnswered(text, text), false)
  })
}

test('a variable may be called as things of JavaScript are', async () => {
  const { config } = await readSettings('program.env = { toString = "a", valueOf = "b" }', '/p')
  assert.deepEqual(Object.entries(config.program.env), [
    ['toString', 'a'],
    ['valueOf', 'b'],
  ])
})
