import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { passes } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import {
  environmentsOf,
  frugalProgram,
  makeProgram,
  slow,
  startWithIndex,
  widgetProgram,
} from '../harness/packages.ts'
import { outcomesOf, stageOf } from '../harness/records.ts'
import { ampleTrial } from '../harness/trial.ts'
import { serveIndex } from '../harness/wheels.ts'

test('a trial does not count while its packages are gone and cannot be fetched: that is not its fault', async (t) => {
  const index = await serveIndex(t, [{ name: 'widget', version: '2.0' }])
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, { trial: { time: '2s' } })
  const daemon = await startWithIndex(t, dir, index.url)
  await daemon.says(/r0 out +no widget/)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,2.0' })
  await daemon.says(/r1: applied/, slow)
  await daemon.end('SIGKILL')
  rmSync(join(dir, '.supervisor/environments'), { recursive: true })
  index.fail(true)
  // More often than a trial may be begun.
  for (let start = 1; start <= 4; start += 1) {
    const offline = await startWithIndex(t, dir, index.url)
    await offline.says(/its packages cannot be installed/, slow)
    await offline.says(/r1: its trial waits for its packages/)
    await offline.says(/r1 err +ModuleNotFoundError: No module named 'widget'/)
    if (start === 4) {
      const { stdout } = await runSupervisor(['status'], dir)
      assert.match(stdout, /main\.py runs without what main asks for/)
      assert.match(stdout, /r1 on-trial/)
      assert.match(stdout, /the trial begins when they are there/)
      index.fail(false)
      await offline.says(/r1: its trial goes on/, slow)
      await passes(offline, 'r1', /widget 2\.0 in .*environments/)
    } else {
      await offline.end('SIGKILL')
      assert.equal((await stageOf(dir))?.boots, 1)
    }
    assert.doesNotMatch(offline.output(), /rolled back/)
  }
  assert.deepEqual(await outcomesOf(dir), ['r1 committed'])
  assert.equal(environmentsOf(dir).length, 1)
})

test('an operator can roll back a release whose trial waits for its packages, and stop and start it', async (t) => {
  const index = await serveIndex(t, [{ name: 'widget', version: '2.0' }])
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, ampleTrial)
  const daemon = await startWithIndex(t, dir, index.url)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,2.0' })
  await daemon.says(/r1: applied/, slow)
  await daemon.end('SIGKILL')
  rmSync(join(dir, '.supervisor/environments'), { recursive: true })
  index.fail(true)
  const offline = await startWithIndex(t, dir, index.url)
  await offline.says(/r1: its trial waits for its packages/, slow)
  for (const order of ['stop', 'start', 'restart']) {
    const { code, stderr } = await runSupervisor([order], dir)
    assert.equal(code, 0, stderr)
  }
  await offline.says(/r1: its trial waits for its packages/)
  const back = await runSupervisor(['rollback'], dir)
  assert.equal(back.code, 0, back.stderr)
  await offline.says(/r0 out +no widget/)
  assert.deepEqual(await outcomesOf(dir), ['r1 rolled-back'])
})
