import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cleanEnvironment, type Daemon, passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { programsOf, until } from '../harness/processes.ts'
import { makeProject, readTree, type Settings, type Tree, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'
import { makeFolder } from '../harness/tools.ts'
import { ampleTrial, makeTrialsAmple } from '../harness/trial.ts'

const stays = 'import time\nwhile True:\n    time.sleep(0.2)\n'
const oldProgram = `print("the old one is up", flush=True)\n${stays}`
const newProgram = `print("the new one is up", flush=True)\n${stays}`

/** A daemon that runs the old program, over these files. */
async function startOver(
  t: TestContext,
  main: Tree = {},
  settings: Settings = {},
): Promise<Daemon> {
  const dir = await makeProject(t, settings)
  await writeTree(join(dir, 'main'), { 'main.py': oldProgram, ...main })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +the old one is up/)
  return daemon
}

function resultOf({ dir }: Daemon): Promise<string> {
  return readFile(join(dir, 'deposit/DEPOSIT-RESULT.txt'), 'utf8')
}

/** Everything below a folder, bytecode too, as it is on the disk. */
function bytesOf(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const read = (path: string) => execFileSync('base64', ['-w0', path], { encoding: 'utf8' })
  return Object.fromEntries(files.sort().map((path) => [path.slice(root.length + 1), read(path)]))
}

/** Packs a tree as a .tar.gz. */
async function packed(t: TestContext, tree: Tree): Promise<Buffer> {
  const root = await makeFolder(t)
  await writeTree(root, tree)
  return execFileSync('tar', ['-cz', '-C', root, '.'])
}

test('a file that Python cannot compile is held, said, and mended by a new upload of it', async (t) => {
  const daemon = await startOver(t)
  const [before] = await programsOf(daemon.dir)
  await drop(daemon, { 'main.py': newProgram, 'lib/a.py': 'A = 1\ndef f(:\n' })
  await daemon.says(/waits for a correction: lib\/a\.py, line 2: SyntaxError: /)
  await until('the uploader can read it', async () =>
    /waits for a correction: lib\/a\.py, line 2: SyntaxError/.test(await resultOf(daemon)),
  )
  assert.deepEqual(await programsOf(daemon.dir), [before])
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), { 'main.py': oldProgram })
  await drop(daemon, { 'lib/a.py': 'A = 1\n' })
  await passes(daemon, 'r1', /the new one is up/)
  assert.match(await resultOf(daemon), /^ota-supervisor: .*\n\n\S+ \S+ +r1: committed/)
  assert.deepEqual(await outcomesOf(daemon.dir), ['r1 committed'])
  assert.equal(await readFile(join(daemon.dir, 'main/lib/a.py'), 'utf8'), 'A = 1\n')
})

test('without a correction it is refused after a while, and the next upload is taken', async (t) => {
  const daemon = await startOver(
    t,
    {},
    {
      verify: { repair: '2s' },
      // Others may be uploading on this machine.
      deposit: { session_quiet: '50ms' },
    },
  )
  const [before] = await programsOf(daemon.dir)
  await drop(daemon, { 'main.py': `${newProgram}(`, 'lib/a.py': 'return 1\n' })
  await daemon.says(/waits for a correction: /)
  await daemon.says(/r1: rejected: .*\n.*\n.*nothing was changed in main/)
  const result = await resultOf(daemon)
  assert.match(result, /r1: rejected: lib\/a\.py, line 1: SyntaxError: 'return' outside function/)
  assert.match(result, /main\.py, line \d+: SyntaxError/)
  assert.match(result, /main\.py was not stopped; r0 is running/)
  assert.match(result, /kept in .*rejected\/r1/)
  assert.deepEqual(await programsOf(daemon.dir), [before])
  const kept = await readTree(join(daemon.dir, '.supervisor/rejected/r1/files'))
  assert.deepEqual(Object.keys(kept), ['lib/a.py', 'main.py'])
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r2: committed/)
  assert.deepEqual(await outcomesOf(daemon.dir), ['r1 rejected', 'r2 committed'])
})

test('a program of 30 modules starts from the bytecode that was made before the stop', async (t) => {
  const daemon = await startOver(t)
  const names = Array.from({ length: 30 }, (_, index) => `m${index}`)
  const modules = names.map((name) => [`pkg/${name}.py`, `NAME = "${name}"\n`])
  // Python itself would write the bytecode of what it imports; -v would tell, and so do the files.
  const main = `import os, sys
before = sorted((e.name, e.inode(), e.stat().st_mtime_ns) for e in os.scandir("pkg/__pycache__"))
from pkg import ${names.join(', ')}
after = sorted((e.name, e.inode(), e.stat().st_mtime_ns) for e in os.scandir("pkg/__pycache__"))
print("found", len(before), "as before" if before == after else "others", flush=True)
${stays}`
  await drop(daemon, { 'main.py': main, 'pkg/__init__.py': '', ...Object.fromEntries(modules) })
  await passes(daemon, 'r1', /found 31 as before/)
  assert.ok(!readdirSync(join(daemon.dir, 'main')).includes('__pycache__'))
})

test('the new source is what runs, and after a roll-back the old, though size and time are the same', async (t) => {
  const when = new Date(1_700_000_000_000)
  const main = `import lib.v, sys\nprint("runs", lib.v.V, flush=True)\n${stays}`
  const daemon = await startOver(t, { 'lib/v.py': 'V = 1\n' })
  await utimes(join(daemon.dir, 'main/lib/v.py'), when, when)
  const tree = async (text: string, program = main) => {
    const upload = join(daemon.dir, 'upload')
    await writeTree(upload, { 'main.py': program, 'lib/v.py': text })
    await utimes(join(upload, 'lib/v.py'), when, when)
    mkdirSync(join(daemon.dir, 'deposit/lib'), { recursive: true })
    renameSync(join(upload, 'lib/v.py'), join(daemon.dir, 'deposit/lib/v.py'))
    renameSync(join(upload, 'main.py'), join(daemon.dir, 'deposit/main.py'))
  }
  // Bytecode as Python makes it: trusted by size and time. And such of another interpreter.
  execFileSync('python3', ['-c', 'import lib.v'], {
    cwd: join(daemon.dir, 'main'),
    env: cleanEnvironment(),
  })
  const cache = join(daemon.dir, 'main/lib/__pycache__')
  await writeFile(join(cache, 'v.cpython-36.pyc'), 'of another interpreter')
  await writeFile(join(cache, 'other.cpython-36.pyc'), 'of another file')
  await tree('V = 2\n')
  await passes(daemon, 'r1', /runs 2/)
  const names = readdirSync(cache)
  assert.ok(
    !names.includes('v.cpython-36.pyc') && names.includes('other.cpython-36.pyc'),
    `${names}`,
  )
  await makeTrialsAmple(daemon)
  await tree('V = 3\n', `import lib.v\nprint("runs", lib.v.V, flush=True)\nraise SystemExit(7)\n`)
  await daemon.says(/r2 out +runs 3/)
  await Promise.all([daemon.says(/r1 out +runs 2/), daemon.says(/r2: rolled back/)])
})

const over: Tree = {
  'lib/a.py': 'A = "old"\n',
  'lib/deep/b.txt': 'old b',
  'cache/one': '1',
  'cache/more/two': '2',
  'gone.txt': 'old',
  'kept.txt': 'kept',
}

const whiteouts: Tree = {
  'main.py': newProgram,
  '.wh.gone.txt': '',
  '.wh.lib': '',
  'lib/c.py': 'C = "new"\n',
  'cache/.wh..wh..opq': '',
  'cache/three': '3',
  '.wh.never-there': '',
}

test('whiteouts delete, and what is there no more is a warning', async (t) => {
  const daemon = await startOver(t, over)
  await drop(daemon, whiteouts)
  await Promise.all([
    daemon.says(/r1: \.wh\.never-there: there is nothing of that name/),
    daemon.says(/r1: committed/),
  ])
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), {
    'cache/three': '3',
    'kept.txt': 'kept',
    'lib/c.py': 'C = "new"\n',
    'main.py': newProgram,
  })
  assert.match(await resultOf(daemon), /\.wh\.never-there: there is nothing/)
})

test('what whiteouts deleted is back, byte for byte, when the trial fails', async (t) => {
  const daemon = await startOver(t, over, ampleTrial)
  const before = bytesOf(join(daemon.dir, 'main'))
  await drop(daemon, { ...whiteouts, 'main.py': 'raise SystemExit(3)\n' })
  await daemon.says(/r1: rolled back/)
  assert.deepEqual(bytesOf(join(daemon.dir, 'main')), before)
  assert.deepEqual(readdirSync(join(daemon.dir, '.supervisor/releases')), [])
})

test('what editors leave behind is removed and said, and never gets into main', async (t) => {
  const daemon = await startOver(t)
  const junk = { '.git/HEAD': 'x', 'lib/__pycache__/a.cpython-36.pyc': 'x', '.DS_Store': 'x' }
  await drop(daemon, { 'main.py': newProgram, 'lib/a.py': '', ...junk })
  await daemon.says(/removed from the deposit what is never deployed: .*\.DS_Store/)
  await daemon.says(/r1: committed/)
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), ['lib/a.py', 'main.py'])
  assert.match(await resultOf(daemon), /removed from the deposit what is never deployed/)
  const all = execFileSync('find', [join(daemon.dir, 'main')], { encoding: 'utf8' })
  assert.doesNotMatch(all, /cpython-36|\.git|DS_Store/)
})

test('an archive is one release, without what editors have left in it', async (t) => {
  const daemon = await startOver(t)
  const junk = { '.DS_Store': 'x', 'lib/__pycache__/a.cpython-36.pyc': 'x', '.git/HEAD': 'x' }
  const tree = { 'main.py': newProgram, 'lib/a.py': 'A = 1\n' }
  await drop(daemon, { 'deposit.tgz': await packed(t, { ...tree, ...junk }), 'later.txt': 'waits' })
  // The later one may come before the first has said a word.
  await Promise.all([
    daemon.says(/r1: applied/),
    daemon.says(/r[12] out +the new one is up/),
    daemon.says(/r2: committed/),
  ])
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), { ...tree, 'later.txt': 'waits' })
  const all = execFileSync('find', [join(daemon.dir, 'main')], { encoding: 'utf8' })
  assert.doesNotMatch(all, /cpython-36|\.git|DS_Store/)
})

test('an archive with a mistake goes back as the archive it was, and another takes its place', async (t) => {
  const daemon = await startOver(t)
  const wrong = await packed(t, { 'main.py': `${newProgram}(`, 'lib/a.py': '' })
  await drop(daemon, { 'deposit.tgz': wrong })
  await daemon.says(/waits for a correction: main\.py, line/)
  const names = readdirSync(join(daemon.dir, 'deposit')).filter((name) => !name.startsWith('.in.'))
  assert.deepEqual(names.sort(), ['DEPOSIT-RESULT.txt', 'deposit.tgz'])
  assert.deepEqual(await readFile(join(daemon.dir, 'deposit/deposit.tgz')), wrong)
  await drop(daemon, { 'deposit.tgz': await packed(t, { 'main.py': newProgram }) })
  await daemon.says(/r1: committed/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), { 'main.py': newProgram })
})

test('a manifest is one release: nothing before all of it is there and right', async (t) => {
  const daemon = await startOver(t)
  const tree: Tree = { 'main.py': newProgram, 'lib/a.py': 'A = 1\n' }
  const lines = Object.entries(tree).map(
    ([path, text]) => `${createHash('sha256').update(text).digest('hex')}  ${path}\n`,
  )
  await drop(daemon, { SHA256SUMS: lines.join(''), 'main.py': newProgram })
  await daemon.says(/SHA256SUMS: 1 of 2 files are there; lib\/a\.py is missing/)
  await drop(daemon, { 'lib/a.py': 'A = 2\n' })
  await daemon.says(/lib\/a\.py does not have the sum that is listed/)
  assert.deepEqual(await outcomesOf(daemon.dir), [])
  await drop(daemon, { 'lib/a.py': 'A = 1\n' })
  await daemon.says(/r1: committed/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), tree)
  assert.ok(!readdirSync(join(daemon.dir, 'deposit')).includes('SHA256SUMS'))
})

test('the answer is newest first, is never claimed, and goes on in the next session', async (t) => {
  const daemon = await startOver(t)
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: committed/)
  assert.equal(await daemon.end(), 0)
  const again = await startDaemon(t, daemon.dir)
  await again.says(/r1 out +the new one is up/)
  await drop(again, { 'x.txt': 'x' })
  await again.says(/r2: committed/)
  const result = await resultOf(again)
  const [second, first] = [/r2: committed/, /r1: committed/].map((text) => result.search(text))
  assert.ok(second !== undefined && first !== undefined && second >= 0 && second < first, result)
  assert.deepEqual(Object.keys(await readTree(join(again.dir, 'main'))), ['main.py', 'x.txt'])
  assert.deepEqual(await outcomesOf(again.dir), ['r1 committed', 'r2 committed'])
})

test('the answer can be off, and bounded', async (t) => {
  const off = await startOver(t, {}, { deposit: { result_file: '' } })
  await drop(off, { 'main.py': newProgram })
  await off.says(/r1: committed/)
  assert.deepEqual(readdirSync(join(off.dir, 'deposit')), [])
  const short = await startOver(t, {}, { deposit: { result_lines: 3 } })
  await drop(short, { 'main.py': newProgram })
  await short.says(/r1: committed/)
  assert.equal((await resultOf(short)).trimEnd().split('\n').length, 2 + 3)
})

for (const [imports, outcome] of [
  ['warn', /r1: main\.py, line 3: no module named nobody_has_this here/],
  ['strict', /r1: rejected: main\.py, line 3: no module named nobody_has_this here/],
] as const) {
  test(`a module that nobody has: imports = "${imports}"`, async (t) => {
    const daemon = await startOver(t, {}, { verify: { imports, repair: '100ms' }, ...ampleTrial })
    await drop(daemon, { 'main.py': 'import sys\nprint("up")\nimport nobody_has_this\n' })
    await daemon.says(outcome)
    if (imports === 'warn') await daemon.says(/r1: rolled back/)
  })
}

test('a module that nobody has: imports = "ignore" says nothing of it', async (t) => {
  const daemon = await startOver(t, {}, { verify: { imports: 'ignore' }, ...ampleTrial })
  await drop(daemon, { 'main.py': 'import nobody_has_this\n' })
  await daemon.says(/r1: rolled back/)
  assert.doesNotMatch(daemon.output(), /no module named nobody_has_this here/)
})
