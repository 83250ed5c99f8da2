import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults, pathsOf, type Site } from '../../src/config.ts'
import type { Clock, Hold, Log } from '../../src/model.ts'
import { openTelling } from '../../src/source/deposit/telling.ts'
import { disk } from '../../src/system/disk.ts'

/** A telling at a time that the test sets, what it has logged, and what it has shown to the uploader. */
function open() {
  const site: Site = { paths: pathsOf('/nowhere'), config: defaults, disk }
  const logged: string[] = []
  const shown: (string | null)[] = []
  let now = 0
  const clock: Clock = { now: () => now, wall: () => new Date(), sleep: async () => undefined }
  const write = (text: string) => void logged.push(text)
  const log: Log = {
    info: write,
    warn: write,
    error: write,
    output: () => undefined,
    room: async () => undefined,
  }
  const answer = { tell: assert.fail, waits: (text: string | null) => void shown.push(text) }
  const telling = openTelling(site, log, answer, clock)
  const after = (ms: number) => {
    now += ms
  }
  return { telling, logged, shown, after }
}

const writing = (path: string): Hold => ({ because: 'writer', path, others: 0 })
const session: Hold = {
  because: 'session',
  session: { pid: 7, name: 'vsftpd', uid: 0 },
  isKnown: true,
}
const unclaimed: Hold = { because: 'unclaimed', why: 'EPERM', hint: undefined }

test('a reason to wait is logged once for all files of an upload, and again now and then', () => {
  const { telling, logged, shown, after } = open()
  for (let file = 0; file < 100; file += 1) {
    telling.hold(writing(`f${file}.py`))
    after(200)
    telling.hold(session)
    after(90)
  }
  assert.equal(logged.length, 2)
  // In 29 seconds.
  assert.ok(shown.length <= 30, `shown ${shown.length} times`)
  after(1_000)
  telling.hold(writing('late.py'))
  assert.match(logged.at(-1) ?? '', /late\.py is being written/)
  assert.equal(shown.at(-1), logged.at(-1))
})

test('the quiet period is told of only when it does not come for long', () => {
  const { telling, logged, shown, after } = open()
  const quiet: Hold = { because: 'quiet', ms: 250, leftMs: 100, isGuess: false }
  const { holdLogMs } = defaults.deposit
  telling.hold(quiet)
  after(holdLogMs - 1)
  telling.hold(writing('a.py'))
  telling.hold(quiet)
  after(holdLogMs - 1)
  telling.hold(quiet)
  assert.equal(logged.length, 1)
  after(1)
  telling.hold(quiet)
  telling.hold(quiet)
  assert.match(logged.at(-1) ?? '', /waits for 250 ms without a change/)
  assert.equal(logged.length, 2)
  assert.equal(shown.at(-1), logged.at(-1))
  telling.noHold()
  telling.hold(quiet)
  assert.equal(logged.length, 2)
})

test('what is to be mended is said at once, and once', () => {
  const { telling, logged, shown } = open()
  const manifest = (why: string, missing: number): Hold => ({ because: 'manifest', why, missing })
  telling.hold(manifest('1 of 3 files are there; b is missing', 2))
  telling.hold(manifest('2 of 3 files are there; c is missing', 1))
  for (const _ of [1, 2]) telling.hold(manifest('b does not have the sum that is listed', 0))
  for (const line of [1, 2]) telling.hold({ because: 'broken', why: `main.py, line ${line}` })
  const facts = /1 of 3|2 of 3|sum|line \d/
  const expected = ['1 of 3', 'sum', 'line 1', 'line 2']
  assert.deepEqual(
    logged.map((text) => facts.exec(text)?.[0]),
    expected,
  )
  assert.deepEqual(
    shown.map((text) => facts.exec(text ?? '')?.[0]),
    expected,
  )
})

test('what cannot be claimed is said once, though it is found quiet before each try', () => {
  const { telling, logged, shown, after } = open()
  for (let trial = 0; trial < 5; trial += 1) {
    telling.hold({ because: 'quiet', ms: 250, leftMs: 100, isGuess: false })
    telling.hold(unclaimed)
    after(5_000)
  }
  assert.equal(logged.length, 1)
  assert.equal(shown.length, 1)
})

test('what is over is said when it comes again', () => {
  const { telling, logged, shown } = open()
  telling.hold(session)
  telling.noHold()
  telling.hold(session)
  assert.equal(logged.length, 2)
  assert.deepEqual(shown, [logged[0], null, logged[1]])
  telling.trouble('gone')
  telling.trouble('gone')
  telling.noTrouble()
  telling.trouble('gone')
  assert.equal(logged.length, 4)
})
