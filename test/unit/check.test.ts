import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { checkPython, type Findings, openAhead, startChecker } from '../../src/python/check.ts'
import { findInterpreter, type Interpreter } from '../../src/python/interpreter.ts'
import { asDaemon } from '../../src/python/worker.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { type Tree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

let python: Interpreter
before(async () => {
  python = await findInterpreter()
})

const patienceMs = 30_000

type Checked = Findings & { readonly dir: string }

/** Checks a staged tree over a main, with the real Python. */
async function check(
  t: TestContext,
  staging: Tree,
  { main = {}, gone = [] }: { main?: Tree; gone?: readonly string[] } = {},
): Promise<Checked> {
  const dir = await makeFolder(t)
  await mkdir(join(dir, 'main'))
  await writeTree(join(dir, 'staging'), staging)
  await writeTree(join(dir, 'main'), main)
  const files = Object.keys(staging)
    .filter((path) => path.endsWith('.py'))
    .map((path) => ({ path, read: join(dir, 'staging', path), place: join(dir, 'main', path) }))
  const roots = [join(dir, 'staging'), join(dir, 'main')]
  const question = {
    files,
    bytecode: join(dir, 'bytecode'),
    entry: 'main.py',
    roots,
    staged: null,
    gone,
  }
  return {
    ...(await checkPython(question, python, patienceMs, never, startChecker(python, asDaemon))),
    dir,
  }
}

const never = new AbortController().signal

/** The modules that are reported as missing, as `module path:line`. */
async function missing(
  t: TestContext,
  staging: Tree,
  over: { main?: Tree; gone?: readonly string[] } = {},
): Promise<string[]> {
  const found = await check(t, staging, over)
  assert.deepEqual(found.errors, [])
  return found.missing.map(({ module, path, line }) => `${module} ${path}:${line}`)
}

function run(args: readonly string[], cwd: string): string {
  return execFileSync(python.path, args, { cwd, env: cleanEnvironment(), encoding: 'utf8' })
}

test('a syntax error is found, with file, line and what Python says', async (t) => {
  const { errors, bytecode } = await check(t, {
    'main.py': 'import lib.a\n\nprint("half a str',
    'lib/a.py': 'A = 1\n',
    'lib/b.py': 'def f():\nreturn 1\n',
  })
  assert.deepEqual(
    errors.map(({ path, line }) => `${path}:${line}`),
    ['main.py:3', 'lib/b.py:2'],
  )
  assert.match(errors[0]?.message ?? '', /^SyntaxError: unterminated string literal/)
  assert.match(errors[1]?.message ?? '', /^IndentationError: /)
  assert.equal(bytecode.length, 1)
})

const broken = {
  'return outside of a function': 'x = 1\nreturn x\n',
  'break outside of a loop': 'break\n',
  'await outside of a function': 'await x\n',
  'a late import from the future': 'x = 1\nfrom __future__ import annotations\n',
  'an argument twice': 'def f(a, a): pass\n',
  'a NUL byte': 'x = 1\0\n',
  'an unknown encoding': '# coding: klingon\n',
  'too deep': `${'('.repeat(5_000)}${')'.repeat(5_000)}\n`,
  'cut off in a bracket': 'x = [1, 2,\n',
}

for (const [what, text] of Object.entries(broken)) {
  test(`found: ${what}`, async (t) => {
    const { errors } = await check(t, { 'main.py': text })
    assert.deepEqual(
      errors.map(({ path }) => path),
      ['main.py'],
    )
    assert.match(errors[0]?.message ?? '', /^\w+: ./)
  })
}

test('what Python can run is no mistake: line ends, a BOM, an encoding, a warning, an empty file', async (t) => {
  const { errors } = await check(t, {
    'main.py': '',
    'a.py': '\ufeffx = 1\r\ny = 2\r\n',
    'b.py': '# -*- coding: utf-8 -*-\nz = "ü"\n',
    'c.py': 'assert (1, "a warning")\nx = "\\d"\n',
    'name with ünïcödé.py': 'x = 1',
  })
  assert.deepEqual(errors, [])
})

test('the bytecode is of the checked-hash kind, lies where Python looks for it, and main.py has none', async (t) => {
  const tree = { 'main.py': 'import lib.a', 'lib/__init__.py': '', 'lib/a.py': 'print("ran")' }
  const { dir, bytecode } = await check(t, tree)
  assert.deepEqual(bytecode.map((path) => path.replace(/\.[^/]*$/, '')).toSorted(), [
    'lib/__pycache__/__init__',
    'lib/__pycache__/a',
  ])
  const main = join(dir, 'main')
  await cp(join(dir, 'staging'), main, { recursive: true })
  for (const path of bytecode) {
    await mkdir(join(main, 'lib/__pycache__'), { recursive: true })
    await rename(join(dir, 'bytecode', path), join(main, path))
  }
  // Whatever the times say: it is the contents that count.
  await utimes(join(main, 'lib/a.py'), 1, 1)
  const before = readdirSync(join(main, 'lib/__pycache__'))
  const flags = `import sys; print([open(p, "rb").read()[4] for p in sys.argv[1:]])`
  assert.equal(run(['-c', flags, ...bytecode], main), '[3, 3]\n')
  const told = execFileSync(python.path, ['-v', 'main.py'], {
    cwd: main,
    env: cleanEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  assert.equal(told, 'ran\n')
  const verbose = run(['-c', seen, 'lib.a'], main)
  assert.match(verbose, /matches.*lib\/a\.py/)
  assert.deepEqual(readdirSync(join(main, 'lib/__pycache__')), before)
  // And another source of the same length is not taken for it.
  await writeFile(join(main, 'lib/a.py'), 'print("RAN")')
  await utimes(join(main, 'lib/a.py'), 1, 1)
  assert.equal(run(['main.py'], main), 'RAN\n')
})

/** Imports a module in a Python of its own and prints what it tells about it. */
const seen = `
import subprocess, sys
print(subprocess.run([sys.executable, '-v', '-c', 'import ' + sys.argv[1]], capture_output=True, text=True).stderr)
`

test('nothing that was deposited is run, also when it is called like a module of the checker', async (t) => {
  const trap = 'open("RAN", "w").close()\nraise SystemExit("ran")\n'
  const names = ['ast', 'json', 'os', 'struct', 'importlib', 'sitecustomize', 'lib', 'encodings']
  const tree = Object.fromEntries(names.map((name) => [`${name}.py`, trap]))
  const { dir, errors } = await check(t, {
    ...tree,
    'pkg/__init__.py': trap,
    'main.py': 'import ast, json, lib, pkg.sub\n',
  })
  assert.deepEqual(errors, [])
  for (const folder of ['staging', 'main', '.'])
    assert.equal(existsSync(join(dir, folder, 'RAN')), false)
  assert.equal(existsSync('/RAN'), false)
})

test('a module that nobody has is found where it is imported, also by way of the program’s own', async (t) => {
  const staging = {
    'main.py':
      'import os\nimport nobody_has_this\nfrom nobody_has_that import x\nimport lib.deep\n',
    'lib/__init__.py': 'import json, nobody_in_init',
    'lib/deep.py': 'import nobody_deep.er as d\nfrom . import side\nfrom .other import x\n',
    'lib/side.py': 'import nobody_at_side\n',
    'lib/other.py': 'x = 1\nimport nobody_at_other\n',
    'unused.py': 'import nobody_unused\n',
  }
  assert.deepEqual((await missing(t, staging)).toSorted(), [
    'nobody_at_other lib/other.py:2',
    'nobody_at_side lib/side.py:1',
    'nobody_deep lib/deep.py:1',
    'nobody_has_that main.py:3',
    'nobody_has_this main.py:2',
    'nobody_in_init lib/__init__.py:1',
  ])
})

test('an import that need not be made is not missed', async (t) => {
  const main = `
try:
    import nobody_1
except ImportError:
    nobody_1 = None
if False:
    import nobody_2
def f():
    import nobody_3
class C:
    def g(self):
        from nobody_4 import x
`
  assert.deepEqual(await missing(t, { 'main.py': main }), [])
})

test('the program’s own modules are not missed, in staging or in main, of any kind', async (t) => {
  const suffix = run(
    ['-c', 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))'],
    '/',
  ).trim()
  const staging = {
    'main.py':
      'import a, pkg, pkg.sub.x, space.y, fast, old_one, old_pkg.z\nfrom pkg import sub, NAME\n',
    'a.py': '',
    'pkg/__init__.py': 'NAME = 1',
    'pkg/sub/__init__.py': '',
    'pkg/sub/x.py': 'from ... import nothing_above\nfrom .. import NAME\nfrom . import x\n',
    'space/y.py': '',
    [`fast${suffix}`]: 'machine code',
  }
  const main = { 'old_one.py': '', 'old_pkg/z.py': '' }
  assert.deepEqual(await missing(t, staging, { main }), [])
})

test('all of the standard library is there', async (t) => {
  const main =
    'import sys, os.path, json, asyncio.queues, sqlite3, xml.etree.ElementTree, _thread\n'
  assert.deepEqual(await missing(t, { 'main.py': main }), [])
})

test('what the release takes out is missed, and what takes its place is not', async (t) => {
  const main = { 'a.py': '', 'b.py': '', 'c/__init__.py': '', 'd/__init__.py': '' }
  const staging = {
    'main.py': 'import a\nimport b\nimport c.x\nimport d\n',
    'b.py': '',
    'd/__init__.py': '',
  }
  const gone = ['a.py', 'b.py', 'c', 'd']
  assert.deepEqual(await missing(t, staging, { main, gone }), ['a main.py:1', 'c main.py:3'])
})

test('a program that stays as it is is followed into what comes', async (t) => {
  const main = { 'main.py': 'import lib\nimport nobody_old\n' }
  assert.deepEqual((await missing(t, { 'lib.py': 'import nobody_new\n' }, { main })).toSorted(), [
    'nobody_new lib.py:1',
    'nobody_old main.py:2',
  ])
})

test('a checker that does not come to an end is an error that names it', async (t) => {
  const dir = await makeFolder(t)
  const question = {
    files: [],
    bytecode: dir,
    entry: 'main.py',
    roots: [dir],
    staged: null,
    gone: [],
  }
  await assert.rejects(checkPython(question, python, 1, never, startChecker(python, asDaemon)), {
    code: 'ECHECK',
    message:
      /could not be checked: it came no further for 1 ms; verify\.check in supervisor\.toml allows more$/,
  })
})

test('a checker tells of each file that it goes on', async (t) => {
  const dir = await makeFolder(t)
  await writeTree(dir, { 'main.py': 'import a\n', 'a.py': 'A = 1\n', 'b.py': 'def f(:\n' })
  const files = ['main.py', 'a.py', 'b.py'].map((path) => ({
    path,
    read: join(dir, path),
    place: join(dir, path),
  }))
  const question = {
    files,
    bytecode: null,
    entry: 'main.py',
    roots: [dir],
    staged: null,
    gone: [],
    search: python.searchPath,
  }
  const answer = await startChecker(python, asDaemon).ask(question, patienceMs, never)
  assert.ok(answer.is === 'done')
  // Three are compiled, and two read for their imports.
  assert.match(answer.value.stdout, /^\n{5}\{"errors"/)
})

test('a checker that was started ahead is asked if it is the right one and still there', async () => {
  const ahead = openAhead(30_000)
  const other = { ...asDaemon }
  const isFirst = () => ahead.take(python, asDaemon)
  ahead.expect(python, asDaemon)
  ahead.expect(python, asDaemon)
  const question = { files: [], bytecode: null, entry: 'main.py', roots: [], staged: [], gone: [] }
  const answered = async (checker: ReturnType<typeof isFirst>) =>
    (await checkPython(question, python, patienceMs, never, checker)).errors
  assert.deepEqual(await answered(isFirst()), [])
  assert.deepEqual(await answered(ahead.take(python, other)), [], 'none waits: a new one')
  ahead.expect(python, asDaemon)
  assert.deepEqual(await answered(ahead.take(python, other)), [], 'the wrong one waits: a new one')
  ahead.expect(python, asDaemon)
  ahead.close()
  assert.deepEqual(await answered(isFirst()), [], 'it was given up: a new one')
})
