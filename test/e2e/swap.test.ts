import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { projectWith, putProgram, readTree } from '../harness/project.ts'
import { ampleTrial } from '../harness/trial.ts'

test('a first deposit becomes the running program', async (t) => {
  const daemon = await startDaemon(t)
  await daemon.says(/No main\.py inside the main directory/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await passes(daemon, 'r1', /good is up/)
  assert.equal(await daemon.end(), 0)
})

test('a release that crashes is rolled back, and the old program runs again', async (t) => {
  const dir = await projectWith(t, 'good', ampleTrial)
  const before = await readTree(join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  await drop(daemon, { 'main.py': 'import pkg\n', 'pkg/__init__.py': '1 / 0\n' })
  await daemon.says(/r1 err +ZeroDivisionError/)
  await Promise.all([
    daemon.says(/r0 out +good is up/),
    daemon.says(/r1: rolled back: main\.py ended with exit code 1/),
    daemon.says(/main\/ holds again what it held before; r0 is running/),
  ])
  assert.deepEqual(await readTree(join(dir, 'main')), before)
  const kept = await readTree(join(dir, '.supervisor/rejected/r1'))
  assert.deepEqual(Object.keys(kept), ['REASON.txt', 'files/main.py', 'files/pkg/__init__.py'])
  assert.match(kept['REASON.txt'] ?? '', /rolled back:\n\n +main\.py ended with exit code 1/)
})
