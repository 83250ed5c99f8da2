import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { allPids, processOf } from '../../src/system/processes.ts'
import { pathWithout } from '../harness/command.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { noSystemdNotify, openNotifySocket, socketName } from '../harness/notify-socket.ts'
import { until } from '../harness/processes.ts'
import { makeProject, projectWith, putProgram } from '../harness/project.ts'

/** What the daemon tells systemd, heard by a socket like systemd's. */

const skip = noSystemdNotify()

const quick = { systemd: { tick: '30ms', retry: '60ms', extend: '150ms' } }

/** The fields of these names, without their values where those are numbers that grow. */
function order(fields: readonly string[], ...names: string[]): string[] {
  return fields.filter((field) => names.includes(field.replace(/=.*$/, '')))
}

function environmentOf(pid: number): string {
  return readFileSync(`/proc/${pid}/environ`, 'latin1')
}

/** True while a systemd-notify of this daemon's is under way. */
function isTelling(daemon: number): boolean {
  return allPids()
    .map(processOf)
    .some((found) => found?.parent === daemon && found.name === 'systemd-notify')
}

function startedPid(daemon: Daemon): number {
  return Number([...daemon.output().matchAll(/started \(pid (\d+)\)/g)].at(-1)?.[1])
}

test('systemd hears of the start, of each change, and of the end', { skip }, async (t) => {
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  // Long enough to be seen by a loop that looks from time to time.
  const dir = await projectWith(t, 'ticks', {
    ...quick,
    program: { backoff: '4s', backoff_max: '4s' },
  })
  const daemon = await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  await socket.hears(/^READY=1$/)
  const pid = startedPid(daemon)
  await socket.hears(new RegExp(`^STATUS=main\\.py runs \\(pid ${pid}\\): the daemon has started$`))
  process.kill(pid, 'SIGKILL')
  await socket.hears(/^STATUS=main\.py was ended by SIGKILL; next start in/)
  await socket.hears(/^STATUS=main\.py runs .*: again, after it was ended by SIGKILL$/)
  assert.equal(await daemon.end(), 0)
  await socket.mark('ENDED')
  const fields = socket.fields()
  assert.deepEqual(order(fields, 'READY', 'STOPPING'), ['READY=1', 'STOPPING=1'])
  assert.ok(fields.indexOf('READY=1') < fields.indexOf('STOPPING=1'))
  // Nobody asked to be told that it lives.
  assert.deepEqual(order(fields, 'WATCHDOG'), [])
  const changes = order(fields, 'STATUS')
  assert.ok(changes.every((status, index) => status !== changes[index - 1]))
})

test('the program never sees whom the daemon tells', { skip }, async (t) => {
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  const dir = await projectWith(t, 'good', quick)
  const daemon = await startDaemon(t, dir, {
    NOTIFY_SOCKET: name,
    WATCHDOG_USEC: '60000000',
    WATCHDOG_PID: '1',
  })
  await socket.hears(/^READY=1$/)
  assert.match(environmentOf(startedPid(daemon)), /OTA_SUPERVISOR_RELEASE=r0/)
  assert.doesNotMatch(environmentOf(startedPid(daemon)), /NOTIFY_SOCKET|WATCHDOG/)
  // The watch is for another process.
  assert.deepEqual(order(socket.fields(), 'WATCHDOG'), [])
})

test('it is ready without a main.py, and says so', { skip }, async (t) => {
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  const dir = await makeProject(t, quick)
  await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  await socket.hears(/^READY=1$/)
  await socket.hears(/^STATUS=there is no main\.py yet; waiting for the first upload$/)
})

test('it is ready when the operator keeps the program down, and says so', { skip }, async (t) => {
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  const dir = await projectWith(t, 'good', quick)
  await mkdir(join(dir, '.supervisor'))
  await writeFile(join(dir, '.supervisor/stopped'), '')
  await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  await socket.hears(/^READY=1$/)
  await socket.hears(/^STATUS=main\.py is stopped by the operator, until: ota-supervisor start$/)
})

test('the watchdog hears from the main loop, and nothing when that hangs', { skip }, async (t) => {
  const name = await socketName(t, 'abstract')
  const socket = await openNotifySocket(t, name)
  const dir = await projectWith(t, 'good', quick)
  const daemon = await startDaemon(t, dir, {
    NOTIFY_SOCKET: name,
    WATCHDOG_USEC: '300000',
  })
  const pings = () => order(socket.fields(), 'WATCHDOG').length
  await socket.hears(/^READY=1$/)
  await until('it goes on telling that it lives', () => pings() >= 5)
  process.kill(daemon.pid, 'SIGSTOP')
  await until('nothing is on its way any more', () => !isTelling(daemon.pid))
  await socket.mark('STOPPED')
  const heard = pings()
  const stopped = performance.now()
  await until('the watchdog would bite', () => performance.now() - stopped > 600)
  await socket.mark('LATER')
  assert.equal(pings(), heard)
  process.kill(daemon.pid, 'SIGCONT')
  await until('it tells again that it lives', () => pings() > heard)
  assert.equal(await daemon.end(), 0)
})

test('a start and an end that take long ask for more time', { skip }, async (t) => {
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  const dir = await projectWith(t, 'ignores-signals', {
    ...quick,
    deposit: { boot_wait: '5s' },
    program: { stop: '5s' },
  })
  // An upload that is not complete holds up the first start.
  await mkdir(join(dir, 'deposit'))
  await writeFile(join(dir, 'deposit/.hold'), '')
  await writeFile(join(dir, 'deposit/a.txt'), 'a')
  const daemon = await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  const asked = () => order(socket.fields(), 'EXTEND_TIMEOUT_USEC')
  await until('it asks again and again for time to start', () => asked().length >= 3)
  assert.deepEqual(order(socket.fields(), 'READY', 'STATUS'), ['STATUS=getting ready'])
  await socket.hears(/^READY=1$/)
  await daemon.says(/deaf is up/)
  const before = asked().length
  await daemon.end()
  await socket.mark('ENDED')
  const after = socket.fields().slice(socket.fields().indexOf('STOPPING=1'))
  assert.ok(order(after, 'EXTEND_TIMEOUT_USEC').length >= 3, 'nor does it while the program runs')
  assert.equal(asked().length - before, order(after, 'EXTEND_TIMEOUT_USEC').length)
  assert.ok(asked().every((field) => field === 'EXTEND_TIMEOUT_USEC=150000'))
})

/** A PATH whose `systemd-notify` leaves a trace; the answer tells whether it was ever run. */
async function trapNotify(t: TestContext): Promise<{ PATH: string; wasRun: () => boolean }> {
  const PATH = await pathWithout(t, 'systemd-notify')
  const trace = join(PATH, 'trace')
  await writeFile(join(PATH, 'systemd-notify'), `#!/bin/sh\n: >"${trace}"\n`, { mode: 0o755 })
  return { PATH, wasRun: () => existsSync(trace) }
}

test('without systemd nothing of this is tried', async (t) => {
  const { PATH, wasRun } = await trapNotify(t)
  const dir = await projectWith(t, 'good', quick)
  const daemon = await startDaemon(t, dir, { PATH, WATCHDOG_USEC: '30000', NOTIFY_SOCKET: '' })
  await daemon.says(/good is up/)
  assert.equal(await daemon.end(), 0)
  assert.equal(wasRun(), false)
  assert.doesNotMatch(daemon.output(), /systemd/)
  const told = await startDaemon(t, dir, { PATH, NOTIFY_SOCKET: '/nowhere' })
  await until('the trap works', wasRun)
  await told.end()
})

test('a socket that is dead, or no systemd-notify, is told once and disturbs nothing', async (t) => {
  const dir = await projectWith(t, 'good', quick)
  const PATH = await pathWithout(t, 'systemd-notify')
  const env = { NOTIFY_SOCKET: join(dir, 'nobody'), WATCHDOG_USEC: '100000' }
  for (const more of noSystemdNotify() === false ? [{}, { PATH }] : [{ PATH }]) {
    const daemon = await startDaemon(t, dir, { ...env, ...more })
    await daemon.says(/WARNING: systemd could not be told how it goes/)
    await putProgram('ticks', join(dir, 'deposit'))
    await daemon.says(/committed/)
    await putProgram('good', join(dir, 'deposit'))
    await daemon.says(/committed/)
    assert.equal(await daemon.end(), 0)
    assert.equal(daemon.output().match(/could not be told/g)?.length, 1)
  }
})

test('after its listener has gone and come back, all that counts is told again', {
  skip,
}, async (t) => {
  const dir = await projectWith(t, 'good', quick)
  const name = await socketName(t)
  const first = await openNotifySocket(t, name)
  const daemon = await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  await first.hears(/^STATUS=main\.py runs/)
  await first.close()
  process.kill(startedPid(daemon), 'SIGKILL')
  await daemon.says(/could not be told/)
  const second = await openNotifySocket(t, name)
  await second.hears(/^STATUS=main\.py runs .*: again/)
  assert.deepEqual(order(second.fields(), 'READY'), [])
})
