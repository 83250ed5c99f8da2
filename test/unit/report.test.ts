import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { nextReport, type Told, toldNothing, type View } from '../../src/control/systemd.ts'
import type { ProgramState } from '../../src/model.ts'
import { takeServiceManager } from '../../src/system/notify.ts'
import { words } from '../../src/words.ts'

/** What is told to systemd, and when. */

const limits = { ...defaults.systemd, extendMs: 30_000, stopMaxMs: 100_000 }

/** Walks through the moments; the answer is what was told at each. */
function story(watchdogMs: number | null, ...moments: readonly View[]): string[][] {
  let told: Told = toldNothing(0)
  return moments.map((moment) => {
    const next = nextReport(told, moment, watchdogMs, limits)
    told = next.told
    return [...next.fields]
  })
}

const extend = 'EXTEND_TIMEOUT_USEC=30000000'

test('a day without events: ready, its status once, and nothing more', () => {
  const told = story(
    null,
    { phase: 'starting', status: 'getting ready', at: 0 },
    { phase: 'starting', status: 'getting ready', at: 1_000 },
    { phase: 'running', status: 'runs', at: 2_000 },
    { phase: 'running', status: 'runs', at: 3_000 },
    { phase: 'running', status: 'runs', at: 86_400_000 },
    { phase: 'stopping', status: 'stops', at: 86_401_000 },
    { phase: 'stopping', status: 'stops', at: 86_402_000 },
  )
  assert.deepEqual(told, [
    ['STATUS=getting ready', extend],
    [],
    ['READY=1', 'STATUS=runs'],
    [],
    [],
    // Asked 86,401 seconds ago, so it is time again.
    ['STOPPING=1', 'STATUS=stops', extend],
    [],
  ])
})

test('more time is asked for while it starts, three times as often as it must', () => {
  const at = [0, 9_999, 10_000, 15_000, 20_000]
  const told = story(null, ...at.map((when): View => ({ phase: 'starting', status: '', at: when })))
  assert.deepEqual(told, [[extend], [], [extend], [], [extend]])
})

test('an end soon after the start asks for time of its own', () => {
  const told = story(
    null,
    { phase: 'starting', status: '', at: 0 },
    { phase: 'running', status: '', at: 500 },
    { phase: 'stopping', status: '', at: 1_000 },
  )
  assert.deepEqual(told, [[extend], ['READY=1'], ['STOPPING=1', extend]])
})

test('an end that takes too long is not excused any more', () => {
  const at = [0, 50_000, 99_999, 100_000, 500_000]
  const told = story(null, ...at.map((when): View => ({ phase: 'stopping', status: '', at: when })))
  assert.deepEqual(told, [['STOPPING=1', extend], [extend], [extend], [], []])
})

test('the watchdog hears three times in its time', () => {
  const at = [0, 19_999, 20_000, 39_999, 40_500]
  const told = story(
    60_000,
    ...at.map((when): View => ({ phase: 'running', status: '', at: when })),
  )
  assert.deepEqual(told, [['READY=1', 'WATCHDOG=1'], [], ['WATCHDOG=1'], [], ['WATCHDOG=1']])
})

test('what the environment holds for this process is taken, and taken out', () => {
  const cases = [
    { env: {}, found: null },
    { env: { NOTIFY_SOCKET: '' }, found: null },
    { env: { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '7' }, found: null },
    { env: { NOTIFY_SOCKET: '/s' }, found: { watchdogMs: null } },
    { env: { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '1500000' }, found: { watchdogMs: 1_500 } },
    {
      env: { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '1', WATCHDOG_PID: '7' },
      found: { watchdogMs: 0.001 },
    },
    {
      env: { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '1', WATCHDOG_PID: '8' },
      found: { watchdogMs: null },
    },
    {
      env: { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '0', WATCHDOG_PID: '7' },
      found: { watchdogMs: null },
    },
    { env: { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: 'soon' }, found: { watchdogMs: null } },
  ]
  for (const { env, found } of cases) {
    const left: NodeJS.ProcessEnv = { ...env, HOME: '/h' }
    const manager = takeServiceManager(left, 7)
    assert.deepEqual(manager === null ? null : { watchdogMs: manager.watchdogMs }, found)
    assert.deepEqual(left, { HOME: '/h' })
  }
})

test('a status is one line, whatever the program is', () => {
  const last = { is: 'unstartable', why: 'no\nsuch\nthing' } as const
  const cause = { by: 'boot' } as const
  const states: ProgramState[] = [
    { is: 'STOPPED', why: 'no main.py' },
    { is: 'STOPPED', why: 'not started yet' },
    { is: 'STOPPED', why: cause },
    { is: 'STARTING', pid: 0, cause },
    { is: 'STARTING', pid: 5, cause },
    { is: 'RUNNING', pid: 5, cause },
    { is: 'STOPPING', pid: 5, cause },
    { is: 'EXITED', last },
    { is: 'BACKOFF', last, waitMs: 2_000 },
    { is: 'FATAL', last, waitMs: 2_000 },
  ]
  for (const state of states) assert.match(words.statusLine(state), /^[^\n]{10,}$/)
})
