import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadline } from '../../src/system/clock.ts'
import { areForgotten, collectGarbage } from '../harness/garbage.ts'

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
}

test('a deadline outlives a garbage collection', async () => {
  const never = new AbortController()
  const waiting = aborted(withDeadline(300, never.signal).signal)
  for (let round = 0; round < 5; round += 1) {
    await sleep(10)
    collectGarbage()
  }
  assert.equal(await Promise.race([waiting, sleep(10_000, 'forgotten', { ref: false })]), 'aborted')
})

test('a signal comes before the deadline, and a cleared deadline never comes', async () => {
  const first = new AbortController()
  const { signal, clear } = withDeadline(100_000, first.signal)
  const waiting = aborted(signal)
  first.abort()
  assert.equal(await waiting, 'aborted')
  // Else its timer would keep this process alive.
  clear()
})

test('nothing of a cleared deadline stays with a signal that lives long', async () => {
  const { signal } = new AbortController()
  function clearOne(): object {
    const deadline = withDeadline(100_000, signal)
    deadline.clear()
    return deadline.signal
  }
  assert.equal(await areForgotten(clearOne), true)
  assert.equal(signal.aborted, false)
})

test('a deadline that is renewed comes that long after the last time, and never when it is cleared', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { signal, renew, clear } = withDeadline(1_000)
  for (let round = 0; round < 5; round += 1) {
    t.mock.timers.tick(999)
    renew()
  }
  t.mock.timers.tick(999)
  assert.ok(!signal.aborted)
  t.mock.timers.tick(1)
  assert.ok(signal.aborted)
  clear()
  const other = withDeadline(1_000)
  other.clear()
  other.renew()
  t.mock.timers.tick(5_000)
  assert.ok(!other.signal.aborted)
})
