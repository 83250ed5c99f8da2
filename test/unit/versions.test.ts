import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProgramState } from '../../src/model.ts'
import { newestIn } from '../../src/self/packages.ts'
import { judgeStay, type Standing } from '../../src/self/stay.ts'
import { compareVersions, isVersion } from '../../src/self/version.ts'

/** What is decided about versions of the daemon itself. */

test('versions are in the order of semver.org', () => {
  const ordered = [
    '0.9.9',
    '0.10.0',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
  ]
  const shuffled = ordered.toSorted((one, other) => other.localeCompare(one))
  assert.deepEqual(shuffled.toSorted(compareVersions), ordered)
  assert.equal(compareVersions('1.2.3', '1.2.3'), 0)
})

test('what is a version: it becomes the name of a folder', () => {
  for (const text of ['1.2.3', '0.0.0', '1.2.3-rc.1']) assert.equal(isVersion(text), true, text)
  for (const text of ['', '1.2', 'v1.2.3', '1.2.3/..', '..', '1.2.3-', '1.2.3 ', '1.2.3-a/b', 3])
    assert.equal(isVersion(text), false, String(text))
})

test('the newest package of a list', () => {
  const sum = (digit: string) => digit.repeat(64)
  const list = [
    `${sum('a')}  ota-supervisor-0.9.0.tgz`,
    `${sum('B')} *./ota-supervisor-0.10.0.tgz\r`,
    `${sum('c')}  ota-supervisor-1.0.tgz`,
    `${sum('d')}  other-9.0.0.tgz`,
    `${sum('e')}  ../ota-supervisor-9.0.0.tgz`,
    'nonsense',
  ].join('\n')
  assert.deepEqual(newestIn(list), {
    version: '0.10.0',
    name: 'ota-supervisor-0.10.0.tgz',
    sum: sum('b'),
  })
  assert.equal(newestIn('nothing'), null)
})

const running: ProgramState = { is: 'RUNNING', pid: 1, cause: { by: 'boot' } }
const crashed: ProgramState = { is: 'BACKOFF', last: { is: 'code', code: 1 }, waitMs: 1 }
const done: ProgramState = { is: 'EXITED', last: { is: 'code', code: 0 } }
const gaveUp: ProgramState = { is: 'EXITED', last: { is: 'code', code: 1 } }
const down: ProgramState = { is: 'STOPPED', why: 'not started yet' }

function standing(
  name: string,
  state: ProgramState,
  {
    isWanted = true,
    ...odd
  }: Partial<NonNullable<Standing['reading']> & Pick<Standing, 'isWanted'>> = {},
): Standing {
  const health = { is: 'none' } as const
  return {
    name,
    reading: { state, forMs: 300, health, ...odd },
    isWanted,
    trialMs: 300,
  }
}

test('a version is kept when it has stayed up, and all programs are back that were up', () => {
  const before = { a: 'RUNNING', b: 'STARTING', c: 'FATAL' } as const
  const judge = (upMs: number, ...now: Standing[]) => judgeStay(before, now, upMs, 1_000)
  const [a, b] = [standing('a', running), standing('b', running)]
  assert.deepEqual(judge(999, a, b), { is: 'wait' })
  assert.deepEqual(judge(1_000, a, b), { is: 'keep' })
  assert.deepEqual(judge(1_000, a, b, standing('c', crashed)), { is: 'keep' })
  // A job that is done; one that the operator has stopped; a project that is gone, or new.
  assert.deepEqual(judge(1_000, a, standing('b', done)), { is: 'keep' })
  assert.deepEqual(judge(1_000, a, standing('b', down, { isWanted: false })), { is: 'keep' })
  assert.deepEqual(judge(1_000, a, standing('d', crashed)), { is: 'keep' })
  // A program may have its own troubles: it is waited for as long again.
  assert.deepEqual(judge(1_999, standing('a', crashed), b), { is: 'wait' })
  assert.deepEqual(judge(2_000, standing('a', crashed), b), { is: 'back', missing: ['a'] })
  const unwell = { is: 'failing', wasHealthy: false, inARow: 3, why: 'HTTP 503' } as const
  for (const odd of [{ forMs: 299 }, { health: unwell }])
    assert.equal(judge(1_000, standing('a', running, odd), b).is, 'wait')
  // A job that is done, and is run again.
  const again: ProgramState = { is: 'BACKOFF', last: { is: 'code', code: 0 }, waitMs: 1 }
  assert.equal(judge(1_000, standing('a', again), b).is, 'keep')
  assert.deepEqual(judge(2_000, standing('a', gaveUp), standing('b', down)), {
    is: 'back',
    missing: ['a', 'b'],
  })
})
