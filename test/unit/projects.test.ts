import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults, pathsOf } from '../../src/config.ts'
import { readToml } from '../../src/config-file.ts'
import { isProjectName, type Layout, layoutIn } from '../../src/config-projects.ts'
import { OperationalError } from '../../src/errors.ts'
import { nameTest } from '../../src/system/patterns.ts'
import { projectWords } from '../../src/words-projects.ts'
import { makeFolder } from '../harness/tools.ts'

type Many = Extract<Layout, { is: 'many' }>

async function layoutOf(text: string, dir = '/srv/many'): Promise<Layout> {
  return layoutIn(await readToml(text, join(dir, 'supervisor.toml')), dir)
}

async function manyOf(text: string, dir?: string): Promise<Many> {
  const layout = await layoutOf(text, dir)
  assert.equal(layout.is, 'many')
  return layout as Many
}

/** What is wrong with a text, a line for each mistake. */
async function problemsOf(text: string): Promise<string[]> {
  const error = await layoutOf(text).then(
    () => assert.fail(`accepted: ${text}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperationalError, String(error))
  assert.equal(error.code, 'ECONFIG')
  return error.message.split('\n').map((line) => line.replace('/srv/many/supervisor.toml:', ''))
}

/** Folders of a parent; a connector is a checkout that holds a gupfile. */
async function makeFolders(t: TestContext, names: Readonly<Record<string, string>>) {
  const dir = await makeFolder(t)
  for (const [name, holds] of Object.entries(names)) {
    mkdirSync(join(dir, name), { recursive: true })
    if (holds.includes('git')) mkdirSync(join(dir, name, '.git'))
    if (holds.includes('gupfile')) writeFileSync(join(dir, name, 'gupfile'), '')
  }
  return dir
}

test('a file without projects is that of one project', async () => {
  assert.equal((await layoutOf('')).is, 'one')
  assert.equal((await layoutOf('[discover]\ngupfiles = false\n')).is, 'one')
  assert.deepEqual((await layoutOf('[program]\nstop = "3s"\n')).config.program.stopMs, 3_000)
})

test('sections at the top hold for every project that does not say otherwise, key by key', async () => {
  const { config, projects } = await manyOf(
    `[program]
stop = "3s"
args = ["a"]
[log]
format = "json"
[projects.roof]
directory = "connectors/roof"
[projects.roof.program]
args = ["b"]
env = { KEY = "value" }
[projects.garage]
[projects.far]
directory = "/opt/far"
`,
  )
  assert.equal(config.log.format, 'json')
  assert.deepEqual(
    projects.map(({ name, directory }) => [name, directory]),
    [
      ['far', '/opt/far'],
      ['garage', '/srv/many/garage'],
      ['roof', '/srv/many/connectors/roof'],
    ],
  )
  const [far, garage, roof] = projects
  assert.deepEqual(far?.config.program, { ...defaults.program, stopMs: 3_000, args: ['a'] })
  assert.deepEqual(garage?.config, far?.config)
  const own = { stopMs: 3_000, args: ['b'], env: { KEY: 'value' } }
  assert.deepEqual(roof?.config.program, { ...defaults.program, ...own })
  assert.notEqual(garage?.config.program, far?.config.program, 'each can change by itself')
  assert.equal(roof?.given.get('program.args'), 9)
  assert.equal(roof?.given.get('program.stop'), 2)
  assert.equal(roof?.given.has('program.cwd'), false)
})

test('one of several ways to say the same replaces the others', async () => {
  const { projects } = await manyOf(
    `[git]
schedule = "0 2 * * *"
branch = "stable"
[health]
tcp = "80"
[projects.a.git]
every = "5min"
tag = "v*"
[projects.b.health]
http = "http://127.0.0.1/"
`,
  )
  const [a, b] = projects.map(({ config }) => config)
  const { schedule, everyMs, branch, tag } = a?.git ?? defaults.git
  assert.deepEqual([schedule, everyMs, branch, tag], ['', 300_000, '', 'v*'])
  assert.deepEqual([b?.git.schedule, b?.health.tcp], ['0 2 * * *', ''])
})

test('what is wrong is told with its line, its key and the nearest known one', async () => {
  assert.deepEqual(
    await problemsOf(
      `[program]
stop = 3
[projects.roof]
directory = "roof"
progam = {}
[projects.roof.git]
branhc = "x"
[projects.roof.log]
format = "json"
[projects.garage.program]
backoff = "2h"
`,
    ),
    [
      '2: program.stop: expected a duration such as "10s", "250ms", "5min" or "1h", found 3',
      '5: projects.roof.progam: there is no such setting; did you mean program?',
      '7: projects.roof.git.branhc: there is no such setting; did you mean git.branch?',
      '8: projects.roof.log: this is about the daemon as a whole, which runs all projects: it can stand only at the top of the file',
      '11: projects.garage.program.backoff: it is longer than program.backoff_max',
    ],
  )
  for (const section of ['systemd', 'daemon', 'self_update', 'discover']) {
    const [problem] = await problemsOf(`[projects.a.${section}]\n`)
    assert.match(problem ?? '', /^1: projects\.a\.\w+: this is about the daemon as a whole/)
  }
  assert.match((await problemsOf('projects = 5\n'))[0] ?? '', /^1: projects: expected a table/)
  assert.match((await problemsOf('[projects]\na = 5\n'))[0] ?? '', /^2: projects\.a: expected a/)
})

test('the name of a project is a plain one', async () => {
  for (const name of ['garage', 'a.b', 'A-1', '_x', '7']) assert.ok(isProjectName(name), name)
  for (const name of ['', '.', '..', '-x', '.x', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(101)]) {
    assert.equal(isProjectName(name), false, name)
  }
  const [problem] = await problemsOf('[projects."a b"]\n')
  assert.match(problem ?? '', /^1: projects\.a b: "a b" is no name for a project/)
})

test('two projects cannot share a folder, nor lie in each other or around the file', async () => {
  const one = async (text: string) => (await problemsOf(text)).join('\n')
  assert.equal(
    await one('[projects.a]\n[projects.b]\ndirectory = "./x/../a/"\n'),
    '3: projects.b.directory: it is the directory of the project a too',
  )
  assert.equal(
    await one('[projects.a]\n[projects.b]\ndirectory = "a/b"\n'),
    '3: projects.b.directory: it lies inside the project a',
  )
  assert.equal(
    await one('[projects.a]\ndirectory = "x/y"\n[projects.x]\n'),
    '3: projects.x: the project a lies inside it',
  )
  assert.equal(
    await one('[projects.a]\ndirectory = "~/a"\n'),
    '2: projects.a.directory: expected the path of a folder; `~` is not a home here: write it out',
  )
  for (const directory of ['.', '..', '/']) {
    assert.match(
      await one(`[projects.a]\ndirectory = "${directory}"\n`),
      /^2: projects\.a\.directory: \S+ is the folder of this file, or holds it/,
    )
  }
})

test('folders that are checkouts with a gupfile are projects, if that is wanted', async (t) => {
  const dir = await makeFolders(t, {
    roof: 'git gupfile',
    garage: 'git gupfile',
    'old-1': 'git gupfile',
    'two words': 'git gupfile',
    '.hidden': 'git gupfile',
    updater: 'git',
    notes: 'gupfile',
  })
  assert.equal((await layoutOf('', dir)).is, 'one')
  const found = await manyOf(
    `[git]
schedule = "@daily"
[discover]
gupfiles = true
ignore = ["old-*"]
[projects.garage.git]
remote = "upstream"
[projects.other]
directory = "updater"
`,
    dir,
  )
  assert.deepEqual(
    found.projects.map(({ name, config }) => [name, config.git.remote, config.git.schedule]),
    [
      ['garage', 'upstream', '@daily'],
      ['other', '', '@daily'],
      ['roof', 'origin', '@daily'],
    ],
  )
  assert.equal(found.leftOut.length, 1)
  assert.match(found.leftOut[0] ?? '', /"two words" holds a gupfile, .*\[projects\.NAME\]/)
})

test('what is discovered gives way to what is listed, and links are followed', async (t) => {
  const dir = await makeFolders(t, { roof: 'git gupfile', cellar: 'git gupfile' })
  symlinkSync('roof', join(dir, 'same'))
  const found = await manyOf(
    '[discover]\ngupfiles = true\n[projects.cellar]\ndirectory = "elsewhere"\n',
    dir,
  )
  assert.deepEqual(
    found.projects.map(({ name, directory }) => [name, directory]),
    [
      ['cellar', join(dir, 'elsewhere')],
      ['roof', join(dir, 'roof')],
    ],
  )
  assert.match(found.leftOut.join('\n'), /folder cellar .* another project has its name/)
  assert.match(found.leftOut.join('\n'), /folder same .* the directory of the project roof too/)
})

test('a connector whose gupfile has gone is told of, and so is that there is none at all', async (t) => {
  const dir = await makeFolders(t, { roof: 'git', other: 'git', old: 'git' })
  const wasRun = (name: string, parent: string) => {
    const { own, pid } = pathsOf(join(dir, name))
    mkdirSync(own)
    writeFileSync(pid, `1\n${parent}\n`)
  }
  wasRun('roof', dir)
  wasRun('other', '/elsewhere')
  wasRun('old', dir)
  const discover = '[discover]\ngupfiles = true\nignore = ["old"]\n'
  const { leftOut } = await manyOf(discover, dir)
  assert.equal(leftOut.length, 2, leftOut.join('\n'))
  assert.match(leftOut[0] ?? '', /^the folder roof was run as a project.*\[projects\.roof\]/)
  assert.match(leftOut[1] ?? '', /^there is no project in /)
  const listed = await manyOf(`${discover}[projects.roof]\n`, dir)
  assert.deepEqual(listed.leftOut, [])
})

test('a pattern names several: * is any text', () => {
  assert.ok(nameTest('ga*')('garage') && nameTest('*')('x') && nameTest('a.b')('a.b'))
  assert.equal(nameTest('ga*')('my-garage') || nameTest('a.b')('axb') || nameTest('')('x'), false)
})

test('systemd is told in one line how all of them stand', () => {
  const of = (states: Readonly<Record<string, string | null>>) =>
    projectWords.standing(Object.entries(states).map(([name, state]) => ({ name, state })))
  assert.equal(of({ a: 'RUNNING', b: 'STARTING' }), '2 projects: 2 running')
  assert.equal(
    of({ a: 'RUNNING', roof: 'BACKOFF', b: 'RUNNING', gone: null, x: 'BACKOFF' }),
    '5 projects: 2 running, 2 BACKOFF (roof, x), 1 not open (gone)',
  )
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`c${at}`, 'FATAL']))
  assert.equal(of(many), '7 projects: 0 running, 7 FATAL (c0, c1, c2, c3, c4, …)')
})
