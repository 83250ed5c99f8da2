import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathsOf } from '../../src/config.ts'
import { ask } from '../../src/control/client.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { drop, newProgram, readHistory, startWithProgram } from '../harness/deposit.ts'
import { programsOf, until } from '../harness/processes.ts'
import { projectWith, readTree } from '../harness/project.ts'

const order = ({ dir }: Daemon, name: 'start' | 'stop' | 'restart') => ask(name, pathsOf(dir))
const statusOf = ({ dir }: Daemon) => ask('status', pathsOf(dir))

test('a stopped program stays down through a restart of the daemon and a kill -9', async (t) => {
  const first = await startWithProgram(t)
  await order(first, 'stop')
  assert.deepEqual(await programsOf(first.dir), [])
  assert.equal((await statusOf(first)).program.wanted, 'down')
  assert.equal(await first.end(), 0)

  const second = await startDaemon(t, first.dir)
  await second.says(/waiting for uploads/)
  await until('it is up', async () => (await statusOf(second)).program.state === 'STOPPED')
  await second.end('SIGKILL')

  const third = await startDaemon(t, first.dir)
  await third.says(/waiting for uploads/)
  // What it does at its start is done when it carries out an order.
  await order(third, 'stop')
  assert.deepEqual(await programsOf(first.dir), [])
  assert.doesNotMatch(third.output(), /main\.py started/)

  await order(third, 'start')
  await third.says(/r0 out +good is up/)
  assert.equal((await statusOf(third)).program.wanted, 'up')
  assert.equal(await third.end(), 0)
  const fourth = await startDaemon(t, first.dir)
  await fourth.says(/r0 out +good is up/)
})

test('a stop wins over crashes: a program that waits for its next start does not get it', async (t) => {
  const dir = await projectWith(t, 'crashes-at-once', {
    program: { backoff: '1h', backoff_max: '1h' },
  })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/next start in/)
  await order(daemon, 'stop')
  assert.equal((await statusOf(daemon)).program.state, 'STOPPED')
  // And a start does not wait for the hour.
  await order(daemon, 'start')
  await daemon.says(/operator: start[\s\S]*next start in/)
})

test('a deposit is applied while the program is stopped, and its trial begins at the start', async (t) => {
  const daemon = await startWithProgram(t)
  await order(daemon, 'stop')
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: applied; main\.py stays stopped/)
  assert.equal((await readTree(join(daemon.dir, 'main')))['main.py'], newProgram)
  await drop(daemon, { 'more.txt': 'more' })
  await daemon.says(/r2: applied; main\.py stays stopped/)
  assert.deepEqual(await programsOf(daemon.dir), [])
  assert.deepEqual(await readHistory(daemon.dir), [])
  await order(daemon, 'start')
  await Promise.all([
    daemon.says(/r2 out +the new one is up/),
    daemon.says(/r1: committed \(together with r2\)/),
    daemon.says(/r2: committed/),
  ])
})

test('the same through a restart of the daemon, and a release that fails is rolled back', async (t) => {
  const first = await startWithProgram(t, { trial: { time: '1h', max_boots: 1 } })
  await order(first, 'stop')
  await drop(first, { 'main.py': 'import sys\nsys.exit(3)\n' })
  await first.says(/r1: applied; main\.py stays stopped/)
  await first.end()
  // Starts of the daemon do not count as starts of the trial.
  for (const _ of [1, 2]) {
    const again = await startDaemon(t, first.dir)
    await again.says(/waiting for uploads/)
    await order(again, 'stop')
    assert.equal((await statusOf(again)).release.result, 'on-trial')
    await again.end()
  }
  const last = await startDaemon(t, first.dir)
  await last.says(/waiting for uploads/)
  await order(last, 'start')
  await Promise.all([
    last.says(/r1: rolled back: main\.py ended with exit code 3/),
    last.says(/r0 out +good is up/),
  ])
})

test('a stop in the middle of a trial holds it; at the start it begins anew', async (t) => {
  const daemon = await startWithProgram(t, { trial: { time: '1h', max_boots: 1 } })
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: applied/)
  await order(daemon, 'stop')
  assert.deepEqual(await programsOf(daemon.dir), [])
  assert.equal((await statusOf(daemon)).release.result, 'on-trial')
  await order(daemon, 'start')
  await daemon.says(/r1 out +the new one is up/)
  await order(daemon, 'restart')
  await daemon.says(/r1 out +the new one is up/)
  assert.equal((await statusOf(daemon)).release.result, 'on-trial')
  assert.equal((await programsOf(daemon.dir)).length, 1)
})

test('orders during a long check are carried out at once, and the release is walked afterwards', async (t) => {
  const daemon = await startWithProgram(t)
  const sources = Array.from({ length: 300 }, (_, index) => [
    `pkg/m${index}.py`,
    `x = [${index}]\n`.repeat(400),
  ])
  await drop(daemon, { ...Object.fromEntries(sources), 'main.py': newProgram })
  await daemon.says(/r1: claimed/)
  await order(daemon, 'stop')
  assert.equal((await statusOf(daemon)).release.id, 'r0')
  await daemon.says(/r1: applied; main\.py stays stopped/, 60_000)
  await order(daemon, 'start')
  await daemon.says(/r1: committed/)
})
