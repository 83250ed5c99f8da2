import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults, pathsOf, type Site } from '../../src/config.ts'
import { dueAfter, isSchedule } from '../../src/config-schedule.ts'
import { keepLastRun, type LastRun, readLastRun } from '../../src/source/git/last-run.ts'
import type { Look } from '../../src/source/git/look.ts'
import { type Facts, nextRun } from '../../src/source/git/schedule.ts'
import { type Found, openTurns } from '../../src/source/git/turns.ts'
import { disk } from '../../src/system/disk.ts'
import { silent } from '../harness/silence.ts'
import { makeFolder } from '../harness/tools.ts'

const hour = 3_600_000
const at = (text: string) => Date.parse(text)
const iso = (moment: number | null) => (moment === null ? null : new Date(moment).toISOString())
const nightly = (moment: number) => dueAfter('0 2 * * *', moment, 'UTC')

test('a schedule falls due by the clocks of a place, also where they change', () => {
  const berlin = (expression: string, after: string) =>
    iso(dueAfter(expression, at(after), 'Europe/Berlin'))
  assert.equal(berlin('0 2 * * *', '2026-01-10T12:00Z'), '2026-01-11T01:00:00.000Z')
  assert.equal(berlin('0 2 * * *', '2026-07-10T12:00Z'), '2026-07-11T00:00:00.000Z')
  assert.equal(
    iso(dueAfter('0 2 * * *', at('2026-01-10T12:00Z'), 'Asia/Kolkata')),
    '2026-01-10T20:30:00.000Z',
  )
  // In spring 02:30 is left out: right after the gap.
  assert.equal(berlin('30 2 * * *', '2026-03-28T12:00Z'), '2026-03-29T01:00:00.000Z')
  assert.equal(berlin('30 2 * * *', '2026-03-29T01:01Z'), '2026-03-30T00:30:00.000Z')
  // In autumn it comes twice: once, also after a run that was delayed.
  assert.equal(berlin('30 2 * * *', '2026-10-24T12:00Z'), '2026-10-25T00:30:00.000Z')
  assert.equal(berlin('30 2 * * *', '2026-10-25T00:31:30Z'), '2026-10-26T01:30:00.000Z')
  assert.equal(berlin('30 2,14 * * *', '2026-10-25T00:31:30Z'), '2026-10-25T13:30:00.000Z')
  assert.equal(berlin('*/30 * * * *', '2026-10-25T00:31:30Z'), '2026-10-25T01:00:00.000Z')
  assert.equal(dueAfter('0 2 31 2 *', 0), null)
})

test('what is a schedule', () => {
  for (const text of ['0 2 * * *', '*/15 8-18 * * MON-FRI', '0 0 29 2 *', '@daily', '0 2 31 2 *'])
    assert.equal(isSchedule(text), true, text)
  for (const text of [
    '',
    ' ',
    '0 2 * *',
    '0 0 2 * * *',
    '61 2 * * *',
    '2026-12-24T20:00',
    '@reboot',
  ])
    assert.equal(isSchedule(text), false, text)
})

const trusted: Omit<Facts, 'now' | 'last'> = {
  untrustedFor: null,
  clockWaitMs: 600_000,
  builtAt: at('2026-01-01T00:00Z'),
}

function nextAt(
  now: string,
  last: string | null,
  other: object = {},
  found: Look['is'] = 'current',
) {
  const facts: Facts = {
    ...trusted,
    now: at(now),
    last: last === null ? null : { at: at(last), found },
    ...other,
  }
  const next = nextRun(facts, nightly)
  return 'due' in next ? `${next.is} ${iso(next.due)?.slice(5, 16)}` : next.is
}

test('a run falls due, and however many were missed, one makes up for them', () => {
  assert.equal(nextAt('2026-05-10T01:59:59Z', '2026-05-09T02:00:50Z'), 'later 05-10T02:00')
  assert.equal(nextAt('2026-05-10T02:00:00Z', '2026-05-09T02:00:50Z'), 'due 05-10T02:00')
  assert.equal(nextAt('2026-05-10T08:00:00Z', '2026-05-01T02:00:50Z'), 'due 05-02T02:00')
  assert.equal(nextAt('2026-05-10T08:01:00Z', '2026-05-10T08:00:30Z'), 'later 05-11T02:00')
  assert.equal(nextAt('2026-05-10T08:00:00Z', null), 'begins')
  const never = nextRun({ ...trusted, now: 1, last: { at: 0, found: null } }, () => null)
  assert.deepEqual(never, { is: 'never' })
})

test('a run in which the remote did not answer is missed; one that has to wait is not', () => {
  const now = '2026-05-10T08:00Z'
  assert.equal(nextAt(now, '2026-05-10T02:01Z', {}, 'failed'), 'due 05-10T02:01')
  assert.equal(nextAt(now, '2026-05-10T02:01Z', {}, 'waits'), 'later 05-11T02:00')
})

test('a clock that is not synchronised decides nothing, and later only if it can be right', () => {
  const last = '2026-05-09T02:01:00Z'
  const waited = (ms: number) => ({ untrustedFor: ms })
  assert.equal(nextAt('2026-05-10T08:00Z', last, waited(0)), 'clock')
  assert.equal(nextAt('2026-05-10T08:00Z', last, waited(599_999)), 'clock')
  assert.equal(nextAt('2026-05-10T08:00Z', last, waited(600_000)), 'due 05-10T02:00')
  assert.equal(nextAt('2026-05-09T02:00Z', last, waited(10 * hour)), 'clock')
  assert.equal(nextAt('2025-12-31T23:59Z', null, waited(10 * hour)), 'clock')
  assert.equal(nextAt('2026-01-01T00:00Z', null, waited(10 * hour)), 'begins')
})

test('a last run that is more than 25 hours ahead does not count', () => {
  assert.equal(nextAt('2026-05-10T08:00Z', '2026-05-11T09:00:00Z'), 'later 05-12T02:00')
  assert.equal(nextAt('2026-05-10T08:00Z', '2026-05-11T09:00:01Z'), 'begins')
})

// --- the turns: with clocks that are set ---

const current: Found = { is: 'current', text: 'main is at 111111111, as main of origin' }
const failed: Found = { is: 'failed', text: 'no answer' }

async function makeTurns(t: TestContext, wall: string, git: Partial<Site['config']['git']> = {}) {
  const dir = await makeFolder(t)
  const time = { now: 1_000_000, wall: at(wall) }
  const world = { isSynchronised: true, random: 0.5 }
  const site: Site = {
    paths: pathsOf(dir),
    config: { ...defaults, git: { ...defaults.git, remote: 'origin', ...git } },
    disk,
  }
  const clock = {
    now: () => time.now,
    wall: () => new Date(time.wall),
    sleep: () => Promise.reject(new Error('nothing waits here')),
  }
  const outside = {
    isSynchronised: async () => world.isSynchronised,
    builtAt: at('2026-01-01T00:00Z'),
    random: () => world.random,
  }
  function pass(ms: number): void {
    time.now += ms
    time.wall += ms
  }
  const open = () => openTurns(site, outside, silent, clock)
  return { site, time, world, pass, open, keep: (last: LastRun) => keepLastRun(last, site) }
}

type World = Awaited<ReturnType<typeof makeTurns>>

/** Waits as it is told to, until it is time to look; the answer is the time by the wall clock. */
async function untilLook(turns: ReturnType<World['open']>, world: World): Promise<string | null> {
  for (let wakes = 0; wakes < 10_000; wakes += 1) {
    const ms = await turns.wait()
    if (ms <= 0) return iso(world.time.wall)
    assert.ok(ms <= 30_000, 'it never waits for long at once')
    world.pass(ms)
  }
  return null
}

// Every 15 minutes is the same in most zones of the world.
const schedule = '*/15 * * * *'
const run = (time: string, found: Look['is'] | null = 'current'): LastRun => {
  return { schedule, at: at(time), found, text: found && 'so it was' }
}

test('the first run is the next that falls due, and each begins after a delay of its own', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { schedule })
  const turns = world.open()
  assert.equal(await untilLook(turns, world), '2026-05-10T08:16:05.000Z')
  await turns.looked(current, false)
  assert.equal(turns.state().lastRun?.text, 'main is at 111111111, as main of origin')
  world.world.random = 0
  assert.equal(await untilLook(turns, world), '2026-05-10T08:30:10.000Z')
  await turns.looked(current, false)
  world.world.random = 1
  await turns.wait()
  assert.deepEqual(turns.state().plan, { is: 'calendar', due: at('2026-05-10T08:45Z') })
  assert.equal(await untilLook(turns, world), '2026-05-10T08:47:00.000Z')
})

test('what was missed while the daemon was off is made up for once, after the delay', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { schedule })
  await world.keep(run('2026-05-01T02:00:30Z'))
  const turns = world.open()
  assert.equal(await untilLook(turns, world), '2026-05-10T08:02:05.000Z')
  // Killed before the look has ended: it is missed still.
  assert.equal(await untilLook(world.open(), world), '2026-05-10T08:03:10.000Z')
  await turns.looked(current, false)
  const later = world.open()
  assert.equal(await untilLook(later, world), '2026-05-10T08:16:05.000Z')
  assert.equal(later.state().lastRun?.found, 'current')
})

test('somebody who asks changes nothing about the schedule', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { schedule })
  const turns = world.open()
  while ((await turns.wait()) === 1) world.pass(1)
  const before = [turns.state(), readFileSync(world.site.paths.lastRun, 'utf8')]
  await turns.looked(current, true)
  await turns.looked(failed, true)
  assert.deepEqual([turns.state(), readFileSync(world.site.paths.lastRun, 'utf8')], before)
  assert.equal(await untilLook(turns, world), '2026-05-10T08:16:05.000Z')
})

test('a remote that does not answer is asked again after growing times, over restarts too', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:14Z', { schedule })
  const turns = world.open()
  const looks: (string | null)[] = []
  for (const found of [failed, failed, failed, current]) {
    looks.push(await untilLook(turns, world))
    await turns.looked(found, false)
  }
  const times = ['08:16:05.000', '08:17:05.000', '08:19:05.000', '08:23:05.000']
  assert.deepEqual(
    looks,
    times.map((time) => `2026-05-10T${time}Z`),
  )
  await turns.postponed(failed)
  assert.equal(await untilLook(world.open(), world), '2026-05-10T08:24:10.000Z')
})

test('a remote that is away for an hour is asked seldom, and the run is not lost', async (t) => {
  const yearly = '30 2 1 1 *'
  const world = await makeTurns(t, '2026-05-10T08:00Z', { schedule: yearly, randomDelayMs: 0 })
  await world.keep({ ...run('2025-06-01T00:00Z'), schedule: yearly })
  const turns = world.open()
  const begun = world.time.wall
  const minutes: number[] = []
  for (;;) {
    assert.notEqual(await untilLook(turns, world), null)
    const passed = (world.time.wall - begun) / 60_000
    minutes.push(passed)
    if (passed >= 60) break
    await turns.looked(failed, false)
    assert.equal(turns.state().lastRun?.found, 'failed')
  }
  assert.deepEqual(minutes, [0, 1, 3, 7, 15, 31, 63])
  await turns.looked(current, false)
  assert.equal((await readLastRun(world.site))?.found, 'current')
  await turns.wait()
  assert.deepEqual(turns.state().plan, {
    is: 'calendar',
    due: dueAfter(yearly, world.time.wall),
  })
})

test('a commit that was found is missed until it has been taken', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:14Z', { schedule })
  const turns = world.open()
  await untilLook(turns, world)
  await turns.looked({ is: 'found', text: 'x is at 111111111' }, false)
  assert.equal((await readLastRun(world.site))?.found, null)
  await turns.taken()
  assert.equal((await readLastRun(world.site))?.found, 'found')
  assert.equal(await untilLook(turns, world), '2026-05-10T08:31:05.000Z')
})

test('a clock that wakes in the past is waited for, and its jump is noticed', async (t) => {
  const world = await makeTurns(t, '2026-05-01T03:00Z', { schedule })
  await world.keep(run('2026-05-01T02:59Z'))
  world.world.isSynchronised = false
  const turns = world.open()
  assert.equal(await turns.wait(), 30_000)
  assert.deepEqual(turns.state().plan, { is: 'clock' })
  world.pass(30_000)
  world.time.wall = at('2026-05-10T08:01Z')
  world.world.isSynchronised = true
  assert.equal(await untilLook(turns, world), '2026-05-10T08:02:05.000Z')
  assert.equal(turns.state().plan.is, 'set')
})

test('a clock that nothing synchronises is taken after a while; or at once if it is told so', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { schedule })
  await world.keep(run('2026-05-10T07:59Z'))
  world.world.isSynchronised = false
  assert.equal(await untilLook(world.open(), world), '2026-05-10T08:12:05.000Z')
  Object.assign(world.site.config.git, { clockWaitMs: 0, randomDelayMs: 0 })
  assert.equal(await untilLook(world.open(), world), '2026-05-10T08:12:05.000Z')
})

test('a clock that is put back after a run fell due does not make it fall due again', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:14Z', { schedule })
  const turns = world.open()
  await untilLook(turns, world)
  world.time.wall = at('2026-05-10T08:10Z')
  await turns.looked(current, false)
  assert.equal(await untilLook(turns, world), '2026-05-10T08:31:05.000Z')
})

test('a run of another schedule, and a record that is none, count as none', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { schedule })
  await world.keep({ ...run('2026-05-01T02:00Z', 'failed'), schedule: '0 4 * * *' })
  assert.equal(await untilLook(world.open(), world), '2026-05-10T08:16:05.000Z')
  mkdirSync(dirname(world.site.paths.lastRun), { recursive: true })
  for (const text of ['', '{', 'null', '{"schedule":"*/15 * * * *","at":"soon"}', '[]']) {
    writeFileSync(world.site.paths.lastRun, text)
    assert.equal(await readLastRun(world.site), null, text)
  }
})

test('without a schedule it is looked at once, and then every so often; no record is kept', async (t) => {
  const world = await makeTurns(t, '2026-05-10T08:01Z', { everyMs: 300_000 })
  world.world.isSynchronised = false
  const turns = world.open()
  assert.ok((await turns.wait()) <= 0)
  await turns.looked(current, false)
  assert.equal(await turns.wait(), 300_000)
  await turns.looked(failed, true)
  assert.equal(await turns.wait(), 60_000)
  assert.equal(await readLastRun(world.site), null)
  Object.assign(world.site.config.git, { schedule, clockWaitMs: 0 })
  turns.wake()
  assert.equal(await untilLook(turns, world), '2026-05-10T08:16:05.000Z')
})
