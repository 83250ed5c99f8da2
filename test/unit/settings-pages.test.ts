import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { made, silent } from '../../scripts/settings.ts'
import { defaults } from '../../src/config.ts'
import { settingsOf } from '../../src/config-names.ts'

const root = new URL('../../../', import.meta.url)

test('every setting has a comment in src/config.ts, which is its text for people', () => {
  assert.deepEqual(silent(), [])
})

for (const [path, text] of made()) {
  test(`${path} is up to date (if not: npm run schema)`, () => {
    assert.equal(readFileSync(new URL(path, root), 'utf8'), text)
  })
}

type Schema = {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  /** Of a setting that takes several kinds of values; the default is of the first. */
  readonly anyOf?: readonly Schema[]
  readonly additionalProperties?: unknown
}

const schema = JSON.parse(made().get('supervisor.schema.json') ?? '{}') as Schema

test('the schema has every setting, with its default, and nothing else', () => {
  assert.equal(schema.additionalProperties, false)
  const { projects, ...sections } = schema.properties ?? {}
  assert.ok(projects !== undefined)
  const found = Object.entries(sections).flatMap(([section, group]) => {
    assert.equal(group.additionalProperties, false, section)
    return Object.entries(group.properties ?? {}).map(([key, { default: value }]) => {
      return { name: `${section}.${key}`, written: value }
    })
  })
  assert.deepEqual(
    found,
    settingsOf(defaults).map(({ name, written }) => ({ name, written })),
  )
})

test('the defaults are right by the schema', () => {
  for (const [section, { properties = {} }] of Object.entries(schema.properties ?? {})) {
    for (const [key, { type, pattern, default: value, ...rest }] of Object.entries(properties)) {
      const name = `${section}.${key}`
      assert.equal(type ?? rest.anyOf?.[0]?.type, typeOf(value), name)
      if (pattern !== undefined) assert.match(String(value), new RegExp(pattern), name)
      if (rest.enum !== undefined) assert.ok(rest.enum.includes(value), name)
    }
  }
})

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}
