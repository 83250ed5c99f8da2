import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import type { Exit } from '../../src/model.ts'
import { afterExit, count, type Deaths, type Next, noDeaths } from '../../src/program/restart.ts'

const limits = defaults.program
const crash: Exit = { is: 'code', code: 1 }
const middle = 0.5

/** What follows each crash of a program that lives `upMs` each time. */
function crashes(times: number, upMs: number, random = middle): Next[] {
  let deaths: Deaths = noDeaths
  let now = 0
  return Array.from({ length: times }, () => {
    now += upMs
    deaths = count(deaths, crash, now, upMs, limits)
    const next = afterExit(crash, deaths, limits, random)
    if (next.do === 'retry') now += next.waitMs
    return next
  })
}

function waits(found: readonly Next[]): number[] {
  return found.map((next) => (next.do === 'retry' ? next.waitMs : 0))
}

function stateOf(next: Next): string {
  return next.do === 'retry' ? next.state : next.do
}

test('exit 0 is the end of the job; every other end is a crash', () => {
  const once = count(noDeaths, crash, 0, 100, limits)
  assert.deepEqual(afterExit({ is: 'code', code: 0 }, once, limits, middle), { do: 'rest' })
  const ends: Exit[] = [
    crash,
    { is: 'signal', signal: 'SIGTERM' },
    { is: 'unstartable', why: 'no such file' },
  ]
  for (const end of ends) {
    const next = afterExit(end, once, limits, middle)
    assert.deepEqual(next, { do: 'retry', state: 'BACKOFF', waitMs: 1_000 })
  }
})

test('the wait doubles with each crash, up to its limit', () => {
  const seconds = waits(crashes(9, 40_000)).map((ms) => ms / 1_000)
  assert.deepEqual(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test('the wait varies by a tenth, up and down', () => {
  assert.deepEqual(waits(crashes(2, 0, 0)), [900, 1_800])
  assert.deepEqual(waits(crashes(2, 0, 1)), [1_100, 2_200])
  assert.equal(waits(crashes(9, 40_000, 1)).at(-1), 66_000)
})

test('a healthy stretch makes earlier crashes forgotten', () => {
  assert.deepEqual(waits(crashes(3, limits.healthyMs)), [1_000, 1_000, 1_000])
})

test('ten crashes in five minutes are FATAL; nine are not', () => {
  const found = crashes(10, 100)
  assert.deepEqual(new Set(found.slice(0, 9).map(stateOf)), new Set(['BACKOFF']))
  assert.deepEqual(found[9], { do: 'retry', state: 'FATAL', waitMs: limits.fatalRetryMs })
})

test('crashes further apart than the window are never FATAL', () => {
  assert.deepEqual(new Set(crashes(100, 31_000).map(stateOf)), new Set(['BACKOFF']))
})

test('a FATAL program that crashes when it is tried again is FATAL still', () => {
  const found = crashes(13, 100).slice(9)
  assert.deepEqual(found.map(stateOf), ['FATAL', 'FATAL', 'FATAL', 'FATAL'])
  assert.deepEqual(new Set(waits(found)), new Set([limits.fatalRetryMs]))
})

test('a FATAL program that was healthy for a while is not FATAL any more', () => {
  let deaths: Deaths = noDeaths
  for (let now = 0; now < 10; now += 1) deaths = count(deaths, crash, now, 1, limits)
  assert.equal(stateOf(afterExit(crash, deaths, limits, middle)), 'FATAL')
  const later = limits.fatalRetryMs + limits.healthyMs
  deaths = count(deaths, crash, later, limits.healthyMs, limits)
  assert.deepEqual(waits([afterExit(crash, deaths, limits, middle)]), [1_000])
})

const well: Exit = { is: 'code', code: 0 }

test('never: it rests however it ended', () => {
  const never = { ...limits, restart: 'never' } as const
  for (const end of [well, crash, { is: 'signal', signal: 'SIGKILL' } as const]) {
    const once = count(noDeaths, end, 0, 100, never)
    assert.deepEqual(afterExit(end, once, never, middle), { do: 'rest' })
  }
})

test('always: a good end is followed by a start with growing waits, and is never FATAL', () => {
  const always = { ...limits, restart: 'always' } as const
  let deaths: Deaths = noDeaths
  const found = Array.from({ length: 30 }, (_, now) => {
    deaths = count(deaths, well, now, 1, always)
    return afterExit(well, deaths, always, middle)
  })
  assert.deepEqual(waits(found.slice(0, 3)), [1_000, 2_000, 4_000])
  assert.deepEqual(new Set(found.map(stateOf)), new Set(['BACKOFF']))
})

test('always: a FATAL program that ends well is started again soon; its crashes still count', () => {
  const always = { ...limits, restart: 'always' } as const
  let deaths: Deaths = noDeaths
  for (let now = 0; now < 10; now += 1) deaths = count(deaths, crash, now, 1, always)
  assert.equal(stateOf(afterExit(crash, deaths, always, middle)), 'FATAL')
  deaths = count(deaths, well, 11, 1, always)
  assert.equal(stateOf(afterExit(well, deaths, always, middle)), 'BACKOFF')
  deaths = count(deaths, crash, 12, 1, always)
  assert.equal(stateOf(afterExit(crash, deaths, always, middle)), 'FATAL')
})
