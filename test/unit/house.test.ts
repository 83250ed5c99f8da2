import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** The house rules that a compiler does not know. Each test names what breaks them. */

const root = fileURLToPath(new URL('../../../', import.meta.url))
const src = join(root, 'src')

/** Files import from lower floors only. A folder is a room; a file at the top is a room of its own. */
const floors: Readonly<Record<string, number>> = {
  model: 0,
  errors: 0,
  phrases: 0,
  words: 0,
  'words-deposit': 0,
  'words-doctor': 0,
  'words-git': 0,
  'words-migrate': 0,
  'words-packages': 0,
  'words-projects': 0,
  'words-release': 0,
  'words-self': 0,
  'words-service': 0,
  'words-verbs': 0,
  system: 1,
  config: 2,
  'config-file': 2,
  'config-folders': 2,
  'config-health': 2,
  'config-kinds': 2,
  'config-lines': 2,
  'config-names': 2,
  'config-problems': 2,
  'config-projects': 2,
  'config-schedule': 2,
  'config-schema': 2,
  log: 3,
  program: 3,
  python: 3,
  source: 3,
  update: 3,
  project: 4,
  control: 5,
  doctor: 5,
  migrate: 5,
  self: 5,
  daemon: 6,
  cli: 7,
  supervisor: 8,
}

/** On these floors the rooms do not know each other. The others are one room in several files. */
const strangersOn = 3

type Source = { readonly path: string; readonly text: string }

const sources: readonly Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(src, path), 'utf8') }))

function roomOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '')
}

/** The files of src that a source imports: `import … from`, `export … from` and `import()`. */
function importsOf({ path, text }: Source): string[] {
  const named = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g
  return [...text.matchAll(named)].map(([, target = '']) =>
    relative(src, join(src, dirname(path), target)),
  )
}

test('every room of src has a floor', () => {
  const homeless = sources.filter(({ path }) => floors[roomOf(path)] === undefined)
  assert.ok(sources.length > 0)
  assert.deepEqual(
    homeless.map(({ path }) => path),
    [],
  )
})

test('imports point down the floors, and the rooms of one floor are strangers', () => {
  const upward = sources.flatMap((source) => {
    const room = roomOf(source.path)
    const floor = floors[room] ?? -1
    return importsOf(source)
      .filter((target) => {
        const targetRoom = roomOf(target)
        const targetFloor = floors[targetRoom] ?? Number.POSITIVE_INFINITY
        if (targetRoom === room) return false
        return targetFloor > floor || (targetFloor === floor && floor === strangersOn)
      })
      .map((target) => `${source.path} imports ${target}`)
  })
  assert.deepEqual(upward, [])
})

test('the reading of imports finds them', () => {
  const text =
    "import {\n  a,\n} from '../model.ts'\nexport { b } from './c.ts'\nawait import('./d/e.ts')\n"
  assert.deepEqual(importsOf({ path: 'update/x.ts', text }), [
    'model.ts',
    'update/c.ts',
    'update/d/e.ts',
  ])
})

/** The bench has no floors, but the other rules are for it too. */
const benchSources: readonly Source[] = readdirSync(join(root, 'bench'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({
    path: `../bench/${path}`,
    text: readFileSync(join(root, 'bench', path), 'utf8'),
  }))

test('no file has a name that says nothing', () => {
  const vague = [...sources, ...benchSources].filter(({ path }) =>
    /\b(util|helper|manager)s?\b/i.test(path),
  )
  assert.deepEqual(
    vague.map(({ path }) => path),
    [],
  )
})

test('every export has a doc comment directly above it', () => {
  const silent = [...sources, ...benchSources].flatMap(({ path, text }) => {
    const lines = text.split('\n')
    return lines.flatMap((line, index) => {
      const isExport = /^export (?!\{|\*|type \{)/.test(line)
      const isTold = /\*\/$/.test(lines[index - 1] ?? '')
      return isExport && !isTold ? [`${path}:${index + 1}: ${line}`] : []
    })
  })
  assert.deepEqual(silent, [])
})

for (const [file, speaker] of [
  ['words.ts', 'words'],
  ['words-deposit.ts', 'depositWords'],
  ['words-doctor.ts', 'doctorWords'],
  ['words-git.ts', 'gitWords'],
  ['words-migrate.ts', 'migrateWords'],
  ['words-packages.ts', 'packageWords'],
  ['words-projects.ts', 'projectWords'],
  ['words-release.ts', 'releaseWords'],
  ['words-self.ts', 'selfWords'],
  ['words-service.ts', 'serviceWords'],
  ['words-verbs.ts', 'verbWords'],
] as const) {
  test(`every sentence of ${file} is said somewhere`, () => {
    const text = sources.map((source) => source.text).join('\n')
    const words = sources.find(({ path }) => path === file)?.text ?? ''
    const names = [...words.matchAll(/^ {2}(\w+)[:(]/gm)].map(([, name = '']) => name)
    const unsaid = names.filter((name) => !new RegExp(`\\b${speaker}\\s*\\.${name}\\b`).test(text))
    assert.ok(names.length > 10)
    assert.deepEqual(unsaid, [])
  })
}

const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  .concat([
    'examples/README.md',
    'bench/README.md',
    'docs/settings.md',
    'docs/git.md',
    'docs/migrate.md',
    'docs/self-update.md',
    'docs/after-update.md',
    'docs/connectors.md',
  ])
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

test('the links between the pages lead somewhere', () => {
  const dead = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^(https?:|#)/.test(link))
      .filter((link) => !existsSync(join(root, dirname(path), link.replace(/#.*$/, ''))))
      .map((link) => `${path}: ${link}`),
  )
  assert.deepEqual(dead, [])
})

test('the examples that the pages tell to copy are there', () => {
  const copied = pages.flatMap(({ text }) =>
    [...text.matchAll(/\bcp -r (examples\/[^\s`]+)/g)].map(([, path = '']) => path),
  )
  assert.ok(copied.length > 0)
  const missing = copied.filter((path) => !isFolder(join(root, path)))
  assert.deepEqual(missing, [])
})

test('every decision has a number of its own', () => {
  const names = readdirSync(join(root, 'docs/decisions'))
  const numbers = names.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(name))?.[1])
  assert.deepEqual(
    numbers.toSorted(),
    names.map((_, index) => String(index + 1).padStart(4, '0')),
  )
})

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
