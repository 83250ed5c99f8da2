import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults, pathsOf, type Site } from '../../src/config.ts'
import type { Clock, Hold, Log } from '../../src/model.ts'
import { openTelling, type Telling } from '../../src/source/deposit/telling.ts'
import { disk } from '../../src/system/disk.ts'

/** A telling at a time that the test sets, and what it has told so far. */
function open() {
  const site: Site = { paths: pathsOf('/nowhere'), config: defaults, disk }
  const logged: string[] = []
  const answered: string[] = []
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
  const telling = openTelling(site, log, (text) => void answered.push(text), clock)
  const after = (ms: number) => {
    now += ms
  }
  return { telling, logged, answered, after }
}

const writing = (path: string): Hold => ({ because: 'writer', path, others: 0 })
const session: Hold = {
  because: 'session',
  session: { pid: 7, name: 'vsftpd', uid: 0 },
  isKnown: true,
}

test('a reason to wait is told once for all files of an upload, and again now and then', () => {
  const { telling, logged, answered, after } = open()
  for (let file = 0; file < 100; file += 1) {
    telling.hold(writing(`f${file}.py`))
    telling.hold(session)
    after(290)
  }
  assert.equal(logged.length, 2)
  after(1_000)
  telling.hold(writing('late.py'))
  assert.match(logged.at(-1) ?? '', /late\.py is being written/)
  // The uploader's file is short: it must not be filled with what goes on.
  assert.equal(answered.length, 2)
})

test('what reads differently is told at once, unless only the files are others', () => {
  const { telling, answered } = open()
  const manifest = (why: string, missing: number): Hold => ({ because: 'manifest', why, missing })
  telling.hold(manifest('1 of 3 files are there; b is missing', 2))
  telling.hold(manifest('2 of 3 files are there; c is missing', 1))
  telling.hold(manifest('b does not have the sum that is listed', 0))
  telling.hold({ because: 'broken', why: 'main.py, line 1' })
  telling.hold({ because: 'broken', why: 'main.py, line 2' })
  assert.deepEqual(
    answered.map((text) => /1 of 3|2 of 3|sum|line \d/.exec(text)?.[0]),
    ['1 of 3', 'sum', 'line 1', 'line 2'],
  )
})

test('what is over is told when it comes again', () => {
  const { telling, logged } = open()
  const all: readonly [Parameters<Telling['over']>[0], () => void][] = [
    ['hold', () => telling.hold(session)],
    ['unclaimed', () => telling.unclaimed({ because: 'unclaimed', why: 'x', hint: undefined })],
    ['trouble', () => telling.trouble('x')],
  ]
  for (const [what, tell] of all) {
    logged.length = 0
    tell()
    tell()
    assert.equal(logged.length, 1, what)
    telling.over(what)
    tell()
    assert.equal(logged.length, 2, what)
  }
})
