import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dueAfter } from '../../src/config-schedule.ts'
import { makeCheckout, programSaying, startCheckout } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'

/** Once a year: no test waits for it. */
const schedule = '30 2 1 1 *'

/** The time after which nothing was missed, whenever the tests run. */
const longAgo = '2025-06-01T00:00:00.000Z'

test('a run that was missed is made up for once; then update looks, and the schedule stays', async (t) => {
  const git = { schedule, clock_wait: '0ms', random_delay: '5ms' }
  const checkout = await makeCheckout(t, { git })
  const { dir, remote } = checkout
  const record = join(dir, '.supervisor/last-run.json')
  await mkdir(join(dir, '.supervisor'))
  await writeFile(record, JSON.stringify({ schedule, at: longAgo, found: null, text: null }))
  await remote.commit({ 'main.py': programSaying('second') })
  const daemon = await startCheckout(t, checkout)
  await daemon.says(/r1: committed/)
  const kept = readFileSync(record, 'utf8')
  const run = JSON.parse(kept)
  assert.equal(run.found, 'found')
  assert.ok(run.at > longAgo)

  await remote.commit({ 'main.py': programSaying('third') })
  const done = await runSupervisor(['update'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /r2: committed/)
  const { git: status } = JSON.parse((await runSupervisor(['status', '--json'], dir)).stdout)
  assert.equal(status.schedule.expression, schedule)
  assert.equal(status.schedule.waitingFor, null)
  const { at, found, text } = status.schedule.lastRun
  assert.deepEqual([at, found, text], [run.at, 'found', run.text])
  assert.equal(Date.parse(status.nextAt), dueAfter(schedule, Date.parse(run.at)))
  const told = (await runSupervisor(['status'], dir)).stdout
  assert.match(told, /next time at \S+-01-01 02:30/)
  assert.match(told, /schedule 30 2 1 1 \*; last run at /)
})

test('the schedule waits for the clock, and status says so', async (t) => {
  const git = { schedule, clock_wait: '1h' }
  const checkout = await makeCheckout(t, { git })
  const { dir } = checkout
  const daemon = await startCheckout(t, checkout, /the schedule waits|r0 out/)
  const { git: status } = JSON.parse((await runSupervisor(['status', '--json'], dir)).stdout)
  assert.equal(status.schedule.lastRun, null)
  if (status.schedule.waitingFor === null) return t.skip('the clock of this machine is right')
  assert.equal(status.nextAt, null)
  assert.match(daemon.output(), /git: the schedule waits until the clock/)
  assert.match((await runSupervisor(['status'], dir)).stdout, /the schedule waits until the clock/)
})
