import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { isSettled, type Seen, see } from '../../src/source/deposit/settle.ts'

const { quietMs } = defaults.deposit

type Look = readonly [now: number, fingerprint: string]

/** Looks at a deposit with the given fingerprints at the given moments: when it settles, or null. */
function settlesAt(...looks: readonly Look[]): number | null {
  let seen: Seen | null = null
  for (const [now, fingerprint] of looks) {
    seen = see(seen, fingerprint, now)
    if (isSettled(seen, now, defaults)) return now
  }
  return null
}

test('a deposit is settled when it has not changed for the quiet period, not earlier', () => {
  assert.equal(settlesAt([0, 'a'], [quietMs - 1, 'a']), null)
  assert.equal(settlesAt([0, 'a'], [quietMs - 1, 'a'], [quietMs, 'a']), quietMs)
})

test('the quiet period begins anew with each change', () => {
  const slow = Array.from({ length: 20 }, (_, index): Look => [index * (quietMs - 1), `${index}`])
  const last = 19 * (quietMs - 1)
  assert.equal(settlesAt(...slow), null)
  assert.equal(settlesAt(...slow, [last + quietMs - 1, '19']), null)
  assert.equal(settlesAt(...slow, [last + quietMs, '19']), last + quietMs)
})

test('going back to what was seen before is a change like any other', () => {
  assert.equal(
    settlesAt([0, 'a'], [quietMs / 2, 'b'], [quietMs - 1, 'a'], [quietMs + 1, 'a']),
    null,
  )
})

test('one look never settles it, however late: it may have changed just before', () => {
  assert.equal(settlesAt([1_000_000, 'a']), null)
})

test('what was seen is not altered by a further look', () => {
  const first = see(null, 'a', 5)
  assert.equal(see(first, 'a', 100), first)
  assert.deepEqual(see(first, 'b', 100), { fingerprint: 'b', since: 100 })
  assert.deepEqual(first, { fingerprint: 'a', since: 5 })
})
