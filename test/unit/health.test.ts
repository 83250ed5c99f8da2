import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { changeTo, defaults } from '../../src/config.ts'
import { healthCheckOf } from '../../src/config-health.ts'
import type { Health } from '../../src/model.ts'
import { afterAnswer, pauseMs, watchHealth } from '../../src/program/health.ts'
import { clock } from '../../src/system/clock.ts'
import { listen } from '../harness/listening.ts'
import { until } from '../harness/processes.ts'
import { makeSite } from '../harness/site.ts'

const limits = defaults.health
const ill = { is: 'ill', why: 'HTTP 503' } as const
const well = { is: 'well' } as const
const late = limits.startPeriodMs

/** What is known after these answers, each at its time after the start. */
function known(...answers: readonly (readonly [typeof ill | typeof well, number])[]): Health {
  return answers.reduce<Health>(
    (before, [answer, upMs]) => afterAnswer(before, answer, upMs, limits),
    { is: 'starting' },
  )
}

test('in the start period a program need not be well, and is asked often', () => {
  const health = known([ill, 1_000], [ill, 2_000], [ill, late - 1])
  assert.deepEqual(health, { is: 'starting', why: 'HTTP 503' })
  assert.equal(pauseMs(health, 2_000, limits), limits.startIntervalMs)
})

test('after it every failed check counts, and it is asked often until it is well', () => {
  const health = known([ill, late - 1], [ill, late], [ill, late + 1])
  assert.deepEqual(health, { is: 'failing', wasHealthy: false, inARow: 2, why: 'HTTP 503' })
  assert.equal(pauseMs(health, late + 1, limits), limits.startIntervalMs)
})

test('once it has been well a failed check counts, also in the start period', () => {
  const health = known([well, 1_000], [ill, 2_000], [ill, 3_000])
  assert.deepEqual(health, { is: 'failing', wasHealthy: true, inARow: 2, why: 'HTTP 503' })
  assert.equal(pauseMs(health, 3_000, limits), limits.startIntervalMs)
  assert.equal(pauseMs(health, late, limits), limits.intervalMs)
})

test('only failed checks in a row count', () => {
  const health = known([well, late], [ill, late], [ill, late], [well, late], [ill, late])
  assert.deepEqual(health, { is: 'failing', wasHealthy: true, inARow: 1, why: 'HTTP 503' })
  assert.deepEqual(known([ill, late], [well, late]), { is: 'healthy' })
})

test('the settings name one way to ask, or none', () => {
  const asked = (given: Partial<typeof limits>) => healthCheckOf({ ...limits, ...given })
  assert.equal(asked({}), null)
  assert.deepEqual(asked({ command: ['./probe', '-x'] }), {
    by: 'command',
    argv: ['./probe', '-x'],
  })
  assert.deepEqual(asked({ http: 'http://127.0.0.1:80/a' }), {
    by: 'http',
    url: new URL('http://127.0.0.1:80/a'),
  })
  const targets: [string, string, number][] = [
    ['8080', 'localhost', 8080],
    ['box:1', 'box', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65535],
    ['[::1]:8080', '::1', 8080],
  ]
  for (const [tcp, host, port] of targets) {
    assert.deepEqual(asked({ tcp }), { by: 'tcp', host, port }, tcp)
  }
})

/** A program that answers as `answer` says at that moment, and a watch over it. */
async function watched(
  t: TestContext,
  settings: Partial<typeof limits>,
  answer: () => number | 'never',
) {
  let open = 0
  let most = 0
  let asked = 0
  const server = createServer((request, response) => {
    open += 1
    asked += 1
    most = Math.max(most, open)
    request.once('close', () => {
      open -= 1
    })
    const status = answer()
    if (status !== 'never') response.writeHead(status).end('some words')
  })
  const http = `http://127.0.0.1:${await listen(t, server)}/health`
  const quick = { startPeriodMs: 0, startIntervalMs: 10, intervalMs: 10, timeoutMs: 100 }
  const config = { ...defaults, health: { ...limits, ...quick, http, ...settings } }
  const site = await makeSite(t, config)
  const end = new AbortController()
  t.after(() => end.abort())
  const asProgram = (argv: readonly string[]) => ({ argv, cwd: '/', env: {}, drainMs: 100 })
  const turns: Health['is'][] = []
  const onAnswer = ({ is }: Health, before: Health['is']) => {
    if (is !== before) turns.push(is)
  }
  const watch = watchHealth(site, asProgram, clock, end.signal, onAnswer)
  return { watch, site, end, turns, asked: () => asked, most: () => most }
}

test('the watch tells when the program is well, and why it is not any more', async (t) => {
  let status = 503
  const { watch, asked, turns } = await watched(t, { startPeriodMs: 60_000 }, () => status)
  assert.deepEqual(watch.health(), { is: 'starting' })
  await until('it was asked five times', () => asked() >= 5)
  assert.deepEqual(watch.health(), { is: 'starting', why: 'HTTP 503' })
  status = 200
  await watch.proven()
  assert.deepEqual(watch.health(), { is: 'healthy' })
  status = 500
  assert.deepEqual(await watch.illness, { is: 'unhealthy', inARow: 3, why: 'HTTP 500' })
  assert.deepEqual(turns, ['healthy', 'failing'])
  assert.deepEqual(watch.health(), {
    is: 'failing',
    wasHealthy: true,
    inARow: 3,
    why: 'HTTP 500',
  })
  const before = asked()
  await clock.sleep(100)
  assert.equal(asked(), before, 'asked no more')
})

test('a program that accepts and never answers is ill, and is asked once at a time', async (t) => {
  const { watch, most, asked } = await watched(t, {}, () => 'never')
  assert.deepEqual(await watch.illness, {
    is: 'unhealthy',
    inARow: 3,
    why: 'no answer within 100 ms',
  })
  assert.equal(asked(), 3)
  assert.equal(most(), 1)
})

test('a watch that is ended asks no more, also in the middle of a question', async (t) => {
  const { watch, end, asked } = await watched(t, { timeoutMs: 60_000 }, () => 'never')
  await until('it is asked', () => asked() === 1)
  end.abort()
  assert.equal(await watch.illness, null)
  assert.equal(asked(), 1)
})

test('the settings may change while it watches', async (t) => {
  const { watch, site, asked } = await watched(t, {}, () => 200)
  await watch.proven()
  const { health } = site.config
  const put = (given: Partial<typeof limits>) =>
    changeTo({ ...site.config, health: { ...health, ...given } }, site.config)
  put({ http: '' })
  await until('nobody asks any more', () => watch.health().is === 'none')
  const before = asked()
  await watch.proven()
  put({ tcp: '1', http: '' })
  assert.match(JSON.stringify(await watch.illness), /ECONNREFUSED/)
  assert.equal(asked(), before)
})
