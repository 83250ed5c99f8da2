import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { cleanEnvironment, type Daemon, passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import {
  environmentFolders,
  environmentsOf,
  frugalProgram,
  makeProgram,
  noIndex,
  pipSettings,
  slow,
  startWithIndex,
  wheelsOf,
  widgetProgram,
} from '../harness/packages.ts'
import { writeSettings, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'
import { makeTrialsAmple, makeTrialsShort } from '../harness/trial.ts'
import { serveIndex } from '../harness/wheels.ts'

const widget1 = { name: 'widget', version: '1.0', requires: ['gadget>=2'] }
const widget2 = { name: 'widget', version: '2.0' }
const gadget = { name: 'gadget', version: '2.1' }

function reasonOf({ dir }: Daemon, id: string): string {
  return readFileSync(join(dir, '.supervisor/rejected', id, 'REASON.txt'), 'utf8')
}

test('a release brings its packages, its roll-back those of the old program, and a restart needs no network', async (t) => {
  const index = await serveIndex(t, [widget1, widget2, gadget])
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +no widget/)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0' })
  await daemon.says(/r1: installing the packages of gupfile .*: widget 1\.0/, slow)
  await daemon.says(/r1: 2 packages installed in/, slow)
  await passes(daemon, 'r1', /widget 1\.0 in .*environments/)
  const crash = 'import widget\nprint("has", widget.VERSION)\nraise SystemExit(3)\n'
  await makeTrialsAmple(daemon)
  await drop(daemon, { 'main.py': crash, gupfile: 'widget,v2.0\r\n' })
  await daemon.says(/r2 out +has 2\.0/, slow)
  await Promise.all([daemon.says(/r1 out +widget 1\.0 in/), daemon.says(/r2: rolled back/)])
  await makeTrialsShort(daemon)
  const made = environmentsOf(dir).map(({ packages }) => packages.join())
  assert.deepEqual(made.sort(), ['gadget 2.1,widget 1.0', 'widget 2.0'])

  // What was made for a release that failed is there when it comes again, mended: nothing is asked for.
  const asked = index.asked.length
  await drop(daemon, { 'main.py': widgetProgram, gupfile: '# mended\nwidget,2.0\n' })
  await passes(daemon, 'r3', /widget 2\.0/)
  await drop(daemon, { gupfile: 'widget,2.0\n', 'data.txt': 'x' })
  await daemon.says(/r4: committed/)
  const { stdout } = await runSupervisor(['status', '--json'], dir)
  assert.match(JSON.parse(stdout).packages.environment, /environments\/[0-9a-f]{16}$/)

  // The operator goes back over two releases: to the packages of that time.
  const back = await runSupervisor(['rollback', 'r3'], dir)
  assert.equal(back.code, 0, back.stderr)
  await daemon.says(/r1 out +widget 1\.0/)
  assert.equal(await daemon.end(), 0)
  index.close()
  const again = await startWithIndex(t, dir, noIndex)
  await again.says(/r1 out +widget 1\.0 in .*environments/)
  assert.equal(index.asked.length, asked)
})

test('packages that are not there, do not fit together, or lack what main.py imports: rejected before the stop', async (t) => {
  const index = await serveIndex(t, [widget1, { name: 'gadget', version: '1.0' }, gadget])
  const settings = { verify: { imports: 'strict' } }
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, settings)
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +no widget/)
  await drop(daemon, { gupfile: 'widget,9.9' })
  await daemon.says(/r1: rejected: its packages cannot be installed/, slow)
  assert.match(reasonOf(daemon, 'r1'), /No matching distribution found for widget==9\.9/)
  await drop(daemon, { gupfile: 'widget,1.0\ngadget,1.0\n' })
  await daemon.says(/r2: rejected: its packages cannot be installed/, slow)
  assert.match(reasonOf(daemon, 'r2'), /ResolutionImpossible/)
  await drop(daemon, { gupfile: 'gadget,1.0\n-e,1\ngadget\n' })
  await daemon.says(/r3: rejected: gupfile, line 2: "-e" is not the name of a package/, slow)
  assert.match(reasonOf(daemon, 'r3'), /gupfile, line 3: expected/)
  assert.deepEqual(environmentFolders(dir), [], 'nothing half-made is left')

  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'gadget,1.0\n' })
  await daemon.says(/r4: rejected: main\.py, line 2: no module named widget here/, slow)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0\n' })
  await passes(daemon, 'r5', /widget 1\.0/, slow)
  // Only the gupfile changes, and main.py no longer finds what it needs.
  await drop(daemon, { gupfile: 'gadget,1.0\n' })
  await daemon.says(/r6: rejected: main\.py, line 2: no module named widget here/, slow)
  assert.doesNotMatch(daemon.output(), /stopped \(pid.*release r[12346]/)
  assert.deepEqual(
    (await outcomesOf(dir)).map((one) => one.split(' ')[1]),
    ['rejected', 'rejected', 'rejected', 'rejected', 'committed', 'rejected'],
  )
})

test('wheels that come with the release are enough: no network, and no git for a source', async (t) => {
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  // Somebody's way not to need sudo.
  const daemon = await startDaemon(t, dir, { ...pipSettings(dir, noIndex), PIP_USER: '1' })
  const gupfile = 'widget,v1.0,git+https://nowhere.invalid/widget.git\n'
  await drop(daemon, { 'main.py': widgetProgram, gupfile, ...wheelsOf(widget1, gadget) })
  await passes(daemon, 'r1', /widget 1\.0 in .*environments/, slow)
  assert.deepEqual(environmentsOf(dir)[0]?.packages, ['gadget 2.1', 'widget 1.0'])
})

test('the network is gone: rejected for now with a hint, and tried again by itself until it is back', async (t) => {
  const index = await serveIndex(t, [widget2])
  index.fail(true)
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +no widget/)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,2.0' })
  await daemon.says(/r1: rejected for now: its packages cannot be installed/, slow)
  await daemon.says(/put the wheels into wheels\/ beside the gupfile/)
  await daemon.says(/the deposit waits for the network/)
  await daemon.says(/r1: rejected for now/, slow)
  index.fail(false)
  await passes(daemon, 'r1', /widget 2\.0/, slow)
  assert.deepEqual(await outcomesOf(dir), ['r1 committed'])
})

test('the network is gone: what is missing can be uploaded meanwhile, and the wait has an end', async (t) => {
  const settings = { python: { retry: '1min', retry_max: '1min' } }
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, settings)
  const daemon = await startWithIndex(t, dir, noIndex)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,2.0' })
  await daemon.says(/the deposit waits for the network/, slow)
  await drop(daemon, wheelsOf(widget2))
  await passes(daemon, 'r1', /widget 2\.0/, slow)
  assert.equal(await daemon.end(), 0)

  const impatient = { python: { retry: '50ms', give_up: '50ms' } }
  const other = await makeProgram(t, { 'main.py': frugalProgram }, impatient)
  const second = await startWithIndex(t, other, noIndex)
  await drop(second, { gupfile: 'widget,2.0' })
  await second.says(/r1: rejected: its packages cannot be installed/, slow)
  assert.match(reasonOf(second, 'r1'), /put the wheels into wheels/)
})

test('requirements.txt with what it names, pyproject.toml, and then none at all', async (t) => {
  const index = await serveIndex(t, [widget1, widget2, gadget])
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, { python: { keep: '0B' } })
  const daemon = await startWithIndex(t, dir, index.url)
  await drop(daemon, {
    'requirements.txt': 'widget\n-c more/limits.txt\n',
    'more/limits.txt': 'widget<2',
  })
  await passes(daemon, 'r1', /widget 1\.0/, slow)
  const project = '[project]\nname = "x"\ndependencies = ["widget>=2"]\n'
  await drop(daemon, { '.wh.requirements.txt': '', 'pyproject.toml': project })
  await passes(daemon, 'r2', /widget 2\.0/, slow)
  await drop(daemon, { '.wh.pyproject.toml': '' })
  await passes(daemon, 'r3', /no widget/)
  assert.equal(environmentsOf(dir).length, 2, 'their releases can be gone back to')
})

test('an environment that exists is used as it is, and nothing is installed', async (t) => {
  const index = await serveIndex(t, [])
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, { python: { venv: 'mine' } })
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  }).trim()
  execFileSync(python, ['-m', 'venv', '--without-pip', join(dir, 'mine')])
  const [lib = ''] = readdirSync(join(dir, 'mine/lib'))
  await writeTree(join(dir, 'mine/lib', lib, 'site-packages'), {
    'widget.py': 'VERSION = "mine"\n',
  })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +widget mine/)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0' })
  await passes(daemon, 'r1', /widget mine in .*\/mine/)
  assert.doesNotMatch(daemon.output(), /no module named widget|installing/)
  assert.deepEqual([index.asked, environmentFolders(dir)], [[], []])

  // Another is named while the daemon runs, and is not there: the one before it stands in.
  await writeSettings(dir, { python: { venv: 'other' } })
  for (const order of ['reload', 'restart']) await runSupervisor([order], dir)
  await daemon.says(
    /main\.py is started without its packages, .*other\/bin\/python: it is not there/,
  )
  await daemon.says(/r1 out +widget mine in .*\/mine/)
  assert.doesNotMatch(daemon.output(), /a fault in/)
  await writeSettings(dir, { python: { venv: 'mine' } })
  assert.equal(await daemon.end(), 0)
  rmSync(join(dir, 'mine'), { recursive: true })
  const { code, stderr } = await runSupervisor([], dir)
  assert.equal(code, 1)
  assert.match(stderr, /\[python\] venv: .*mine\/bin\/python: it is not there/)
})
