import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import {
  environmentFolders,
  environmentsOf,
  frugalProgram,
  jobsOf,
  makeProgram,
  noIndex,
  packageSettings,
  pipSettings,
  slow,
  startWithIndex,
  widgetProgram,
} from '../harness/packages.ts'
import { until } from '../harness/processes.ts'
import { writeSettings, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'
import { mountSmallDisk, noSmallDisk } from '../harness/small-disk.ts'
import { makeFolder } from '../harness/tools.ts'
import { makeZip, serveIndex } from '../harness/wheels.ts'

const widget1 = { name: 'widget', version: '1.0' }
const widget2 = { name: 'widget', version: '2.0' }

const projectFiles = {
  'widget-3.0/pyproject.toml':
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
}

/** Builds a widget, for as long as a file is there. */
function blockedBackend(block: string): string {
  return `import os, time, zipfile
def build_wheel(folder, settings=None, metadata=None):
    while os.path.exists(${JSON.stringify(block)}):
        time.sleep(0.05)
    name = "widget-3.0-py3-none-any.whl"
    info = "widget-3.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("widget.py", "VERSION = '3.0'")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: widget\\nVersion: 3.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
`
}

test('kill -9 in the middle of an install: nobody goes on with it, and nothing half-made is used', async (t) => {
  const block = join(await makeFolder(t), 'block')
  writeFileSync(block, '')
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, noIndex)
  await drop(daemon, {
    'main.py': widgetProgram,
    'requirements.txt': './vendor/widget-3.0.zip\n',
    'vendor/widget-3.0.zip': makeZip({
      ...projectFiles,
      'widget-3.0/backend.py': blockedBackend(block),
    }),
  })
  await daemon.says(/r1: installing/, slow)
  // pip itself, and the build that it has started.
  let before: readonly number[] = []
  const isBuilding = () => {
    before = jobsOf(dir)
    return before.length >= 2
  }
  await until('a build', isBuilding, slow)
  await daemon.end('SIGKILL')
  // pip dies with the daemon; what it has started may not.
  await until('pip is gone', () => jobsOf(dir).length < before.length)
  assert.deepEqual([environmentFolders(dir).length, environmentsOf(dir).length], [2, 0])

  const again = await startWithIndex(t, dir, noIndex)
  await again.says(/removed a half-made virtual environment/)
  assert.ok(jobsOf(dir).every((pid) => !before.includes(pid)))
  await again.says(/r1: installing/, slow)
  rmSync(block)
  await passes(again, 'r1', /widget 3\.0/, slow)
  await until('no job is left', () => jobsOf(dir).length === 0)
})

test('while packages are installed all goes on: a trial, a question, an order', async (t) => {
  const index = await serveIndex(t, [])
  const settings = { trial: { time: '6s' }, python: { progress: '300ms' } }
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, settings)
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out/)
  await drop(daemon, { 'x.txt': 'x' })
  await daemon.says(/r1: applied/)
  index.hang()
  await drop(daemon, { gupfile: 'widget,1.0' })
  await daemon.says(/r2: installing/)
  await daemon.says(/r1: committed/)
  await daemon.says(/still installing packages \(/)
  const status = await runSupervisor(['status'], dir)
  assert.match(status.stdout, /^packages +installing what gupfile asks for, for \d+ s$/m)
  const back = await runSupervisor(['rollback'], dir)
  assert.equal(back.code, 0, back.stderr)
  await daemon.says(/r1: rolled back/)
  assert.equal(await daemon.end(), 0, daemon.output())
  assert.deepEqual([jobsOf(dir), environmentFolders(dir)], [[], []])
  assert.deepEqual(await outcomesOf(dir), ['r1 committed', 'r1 rolled-back'])
})

test('an install has a deadline', async (t) => {
  const index = await serveIndex(t, [])
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, { python: { install: '2s' } })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out/)
  index.hang()
  await drop(daemon, { gupfile: 'widget,1.0' })
  await daemon.says(/r1: rejected: its packages were not installed within 2 s/, slow)
  assert.deepEqual([jobsOf(dir), environmentFolders(dir)], [[], []])
  assert.deepEqual(await outcomesOf(dir), ['r1 rejected'])
})

test('the end of the daemon ends an install, and the release goes on with the next', async (t) => {
  const index = await serveIndex(t, [widget1])
  index.hang()
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, index.url)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0' })
  await until('an install', () => index.asked.length > 0, slow)
  assert.equal(await daemon.end(), 0, daemon.output())
  assert.deepEqual([jobsOf(dir), environmentFolders(dir)], [[], []])
  assert.doesNotMatch(daemon.output(), /rejected/)
  const other = await serveIndex(t, [widget1])
  const again = await startWithIndex(t, dir, other.url)
  await passes(again, 'r1', /widget 1\.0/, slow)
})

test('an environment that is gone is made again before the first start, or as soon as that is possible', async (t) => {
  const index = await serveIndex(t, [widget2])
  const main = { 'main.py': frugalProgram, gupfile: 'widget,2.0' }
  const dir = await makeProgram(t, main)
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/the packages of gupfile are not there /)
  await daemon.says(/r0 out +widget 2\.0/, slow)
  assert.doesNotMatch(daemon.output(), /no widget/)
  assert.equal(await daemon.end(), 0, daemon.output())

  const [made] = environmentsOf(dir)
  assert.ok(made !== undefined)
  // Whole as far as its mark tells; but its Python is gone, as after an upgrade of the system.
  rmSync(join(dir, '.supervisor/environments', made.address, 'bin/python'))
  index.fail(true)
  const again = await startWithIndex(t, dir, index.url)
  await again.says(/its packages cannot be installed/, slow)
  await again.says(/ERROR: main\.py is started without its packages/)
  await again.says(/r0 out +no widget/)
  const { stdout } = await runSupervisor(['status'], dir)
  assert.match(stdout, /main\.py runs without what main asks for/)
  index.fail(false)
  await again.says(/main\.py started .*its packages are installed now/, slow)
  await again.says(/r0 out +widget 2\.0/)
  assert.deepEqual(environmentsOf(dir), [made], 'the same address')
})

test('a full disk: an install does not begin without space, and one that fills it is refused', {
  skip: noSmallDisk(),
}, async (t) => {
  const large = { 'widget.py': 'VERSION = "large"\n', 'widget.bin': randomBytes(12_000_000) }
  const index = await serveIndex(t, [{ name: 'widget', version: '9', files: large }, widget1])
  const dir = mountSmallDisk(t, 'size=10m')
  const settings = { ...packageSettings, python: { ...packageSettings.python, min_free: '1MB' } }
  await writeSettings(dir, settings)
  await writeTree(join(dir, 'main'), { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +no widget/)
  await drop(daemon, { gupfile: 'widget,9' })
  await daemon.says(/r1: rejected: its packages cannot be installed/, slow)
  await daemon.says(/the disk is full; make room and upload it again/)
  assert.deepEqual(environmentFolders(dir), [])

  await writeSettings(dir, { ...settings, python: { ...settings.python, min_free: '50MB' } })
  assert.equal((await runSupervisor(['reload'], dir)).code, 0)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0' })
  await daemon.says(/r2: cannot be applied yet: only .* are free .*50 MB are needed/, slow)
  await writeSettings(dir, settings)
  assert.equal((await runSupervisor(['reload'], dir)).code, 0)
  await passes(daemon, 'r2', /widget 1\.0/, slow)
  assert.ok(!existsSync(join(dir, 'pip-cache/http')), 'nothing of the index is kept')
})

test('pip, git and the checks run as the program does: nothing that a release brings is run as root', async (t) => {
  const python = '/usr/bin/python3'
  if (process.getuid?.() !== 0 || !existsSync(python)) {
    return t.skip(`needs root and ${python}: it runs programs as other users`)
  }
  const nobody = 65_534
  const settings = { program: { python, user: 'nobody' } }
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, settings)
  chmodSync(dir, 0o755)
  const daemon = await startWithIndex(t, dir, noIndex)
  await daemon.says(/r0 out +no widget/)
  const told = `import os, sys
def build_wheel(folder, settings=None, metadata=None):
    sys.exit("built by %d in %s" % (os.getuid(), os.environ["HOME"]))
`
  const tree = (backend: string) => ({
    'requirements.txt': './vendor/widget-3.0.zip\n',
    'vendor/widget-3.0.zip': makeZip({ ...projectFiles, 'widget-3.0/backend.py': backend }),
  })
  await drop(daemon, tree(told))
  await daemon.says(/r1: rejected: its packages cannot be installed/, slow)
  await daemon.says(/built by 65534 in (?!\/root)/)
  const large = 'X = 1\n'
  await drop(daemon, {
    ...tree(blockedBackend('')),
    'main.py': widgetProgram,
    'lib/x.py': large,
  })
  await passes(daemon, 'r2', /widget 3\.0/, slow)
  const [made] = environmentsOf(dir)
  const folder = join(dir, '.supervisor/environments')
  assert.equal(statSync(join(folder, made?.address ?? '')).uid, nobody)
  assert.equal(statSync(join(folder, `${made?.address}.json`)).uid, 0)
  const [bytecode = ''] = readdirSync(join(dir, 'main/lib/__pycache__'))
  assert.equal(statSync(join(dir, 'main/lib/__pycache__', bytecode)).uid, nobody)
  const crash = 'import widget\nraise SystemExit(3)\n'
  await drop(daemon, { 'main.py': `import nobody_has_this\n${crash}` })
  await daemon.says(/r3: main\.py, line 1: no module named nobody_has_this here/)
})

test('a list of packages that is none: far too large, or no text at all', async (t) => {
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, noIndex)
  await daemon.says(/r0 out +no widget/)
  for (const [index, name] of ['gupfile', 'requirements.txt', 'pyproject.toml'].entries()) {
    await drop(daemon, { [name]: Buffer.alloc(3_000_000, '\n') })
    await daemon.says(new RegExp(`r${index + 1}: rejected: .*${name}.* has more than 2 MB`), slow)
  }
  await drop(daemon, { gupfile: randomBytes(50_000) })
  await daemon.says(/r4: rejected: gupfile/, slow)
  // Somebody has put it there by hand.
  writeFileSync(join(dir, 'main/gupfile'), Buffer.alloc(3_000_000, '\n'))
  await runSupervisor(['restart'], dir)
  await daemon.says(/main\.py is started without its packages, .* has more than 2 MB/)
  await daemon.says(/r0 out +no widget/)
  assert.doesNotMatch(daemon.output(), /a fault in/)
})

test('what is left half-made and cannot be removed does not keep main.py from being started', async (t) => {
  if (process.getuid?.() !== 0)
    return t.skip('needs root: it leaves what another user cannot remove')
  const nobody = 65_534
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const left = join(dir, '.supervisor/environments/0123456789abcdef')
  mkdirSync(left, { recursive: true })
  writeFileSync(join(left, 'x'), 'x')
  for (const path of ['', 'main', '.supervisor', '.supervisor/environments']) {
    chownSync(join(dir, path), nobody, nobody)
  }
  const daemon = await startDaemon(t, dir, pipSettings(dir, noIndex), nobody)
  await daemon.says(/WARNING: a virtual environment could not be removed: .*EACCES/)
  await daemon.says(/r0 out +no widget/)
})
