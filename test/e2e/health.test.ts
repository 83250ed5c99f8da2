import assert from 'node:assert/strict'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, endsWithNobodyLeft, startDaemon } from '../harness/daemon.ts'
import { freePort } from '../harness/listening.ts'
import { programsOf, until } from '../harness/processes.ts'
import {
  makeProject,
  projectWith,
  putProgram,
  type Settings,
  writeTree,
} from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'

/** Checks follow each other quickly; a start has time, also on a slow machine. */
const quick = { start_period: '30s', start_interval: '50ms', interval: '50ms', timeout: '300ms' }

/** A daemon whose program answers on a port of its own, and is asked there. */
async function answering(
  t: TestContext,
  health: Settings[string] = {},
  settings: Settings = {},
): Promise<Daemon> {
  const port = await freePort()
  const http = `http://127.0.0.1:${port}/health`
  const all = { ...settings, health: { ...quick, http, ...health } }
  const files = { port: String(port), how: '200' }
  return startDaemon(t, await projectWith(t, 'answers', all, files))
}

/** Uploads a new version of the program, that answers so. */
async function upload(daemon: Daemon, how: string): Promise<void> {
  await writeTree(join(daemon.dir, 'deposit'), { how })
}

/** Has the program that runs answer so: it reads the one word or the other. */
async function nowAnswer(daemon: Daemon, how: string): Promise<void> {
  const place = join(daemon.dir, 'main/how')
  await writeFile(`${place}.new`, how)
  await rename(`${place}.new`, place)
}

async function statusOf(dir: string) {
  const { stdout } = await runSupervisor(['status', '--json'], dir)
  return JSON.parse(stdout)
}

function timesAsked(daemon: Daemon): number {
  return daemon.output().split('asked').length - 1
}

test('a release that is healthy passes its trial', async (t) => {
  const daemon = await answering(t)
  await daemon.says(/main\.py is healthy/)
  await upload(daemon, '204')
  // It may be healthy before the card has written all, which is when `applied` is said.
  await Promise.all([daemon.says(/r1: applied/), daemon.says(/main\.py is healthy/)])
  await daemon.says(/r1: committed/)
  await endsWithNobodyLeft(daemon)
})

test('a release whose health checks fail is rolled back, with the reason', async (t) => {
  const daemon = await answering(t, { start_period: '4s' })
  await daemon.says(/main\.py is healthy/)
  await upload(daemon, '503')
  await Promise.all([
    daemon.says(/r1: applied/),
    daemon.says(/main\.py is being stopped \(pid \d+\): not healthy \(HTTP 503\)/),
    daemon.says(
      /r1: rolled back: main\.py failed 3 health checks in a row \(HTTP 503\) after \S+ s, within its trial/,
    ),
    daemon.says(/main\.py is healthy/),
  ])
  assert.deepEqual(await outcomesOf(daemon.dir), ['r1 rolled-back'])
  assert.equal(await readFile(join(daemon.dir, 'main/how'), 'utf8'), '200')
  await endsWithNobodyLeft(daemon)
})

test('a release that accepts and never answers is rolled back', async (t) => {
  const daemon = await answering(t, { failures: 2, start_period: '4s' })
  await daemon.says(/main\.py is healthy/)
  await upload(daemon, 'hang')
  // The old one runs again before the outcome is told.
  await Promise.all([
    daemon.says(/r1: rolled back: main\.py failed 2 health checks in a row \(no answer within/),
    daemon.says(/main\.py is healthy/),
  ])
  await endsWithNobodyLeft(daemon)
})

test('a trial waits for the program to be healthy', async (t) => {
  const daemon = await answering(t, { start_period: '60s' })
  await daemon.says(/main\.py is healthy/)
  await upload(daemon, '503')
  await daemon.says(/r1: applied.*; on trial for 600 ms/)
  const before = timesAsked(daemon)
  // That takes longer than the trial.
  await until('it was asked 20 times', () => timesAsked(daemon) >= before + 20)
  assert.deepEqual(await outcomesOf(daemon.dir), [])
  await nowAnswer(daemon, '200')
  await daemon.says(/main\.py is healthy/)
  await daemon.says(/r1: committed/)
  await endsWithNobodyLeft(daemon)
})

test('a job that ends well within its trial need not be healthy', async (t) => {
  const daemon = await answering(t)
  await daemon.says(/main\.py is healthy/)
  await putProgram('ends-well', join(daemon.dir, 'deposit'))
  await daemon.says(/r1: committed \(main\.py reached its end/)
  await endsWithNobodyLeft(daemon)
})

test('a program that hangs later is restarted, and it is said why', async (t) => {
  const daemon = await answering(t)
  await daemon.says(/main\.py is healthy/)
  await nowAnswer(daemon, 'hang')
  const why = 'no answer within 300 ms'
  await daemon.says(/WARNING: main\.py failed a health check: no answer within 300 ms/)
  await daemon.says(
    /main\.py is being stopped \(pid \d+\): not healthy \(no answer within 300 ms\)/,
  )
  await nowAnswer(daemon, '200')
  await daemon.says(/main\.py failed 3 health checks in a row .*; next start in/)
  await daemon.says(/main\.py started \(pid \d+\): again, after it failed 3 health checks in a row/)
  await daemon.says(/main\.py is healthy/)
  await until('the status says so', async () => {
    return (await statusOf(daemon.dir)).program.health.is === 'healthy'
  })
  const { program } = await statusOf(daemon.dir)
  // On a slow machine the next one may be asked before it is told to answer.
  assert.ok(program.restarts >= 1)
  assert.deepEqual(
    [program.lastExit.is, program.lastExit.why, program.cause.by],
    ['unhealthy', why, 'retry'],
  )
  assert.equal((await programsOf(daemon.dir)).length, 1)
  await endsWithNobodyLeft(daemon)
})

test('one failed check is no reason to restart', async (t) => {
  const daemon = await answering(t, { failures: 1_000 })
  await daemon.says(/main\.py is healthy/)
  await nowAnswer(daemon, '500')
  await daemon.says(/WARNING: main\.py failed a health check: HTTP 500/)
  const { program } = await statusOf(daemon.dir)
  assert.deepEqual([program.health.is, program.health.why], ['failing', 'HTTP 500'])
  const { stdout } = await runSupervisor(['status'], daemon.dir)
  assert.match(stdout, /failed \d+ health checks? in a row: HTTP 500/)
  await nowAnswer(daemon, '200')
  await daemon.says(/main\.py is healthy again/)
  assert.equal(daemon.output().match(/main\.py started/g)?.length, 1)
  await endsWithNobodyLeft(daemon)
})

test('a program that is never healthy is restarted with growing waits, then FATAL', async (t) => {
  const daemon = await answering(
    t,
    { start_period: '0ms', failures: 1, tcp: '1', http: '' },
    { program: { crash_limit: 3, crash_window: '60s', fatal_retry: '1h' } },
  )
  await daemon.says(/failed 1 health check in a row \(connect ECONNREFUSED .*next start in \d\d ms/)
  await daemon.says(/failed 1 health check in a row .*next start in (9\d|10\d|110) ms/)
  await daemon.says(/failed 1 health check in a row .*\(FATAL\)/)
  assert.deepEqual(await programsOf(daemon.dir), [])
  await endsWithNobodyLeft(daemon)
})

test('a program that the operator has stopped is not asked', async (t) => {
  const dir = await makeProject(t, {
    health: { ...quick, command: ['sh', '-c', 'echo $OTA_SUPERVISOR_RELEASE >> checks'] },
  })
  await putProgram('good', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py is healthy/)
  const checks = () => readFile(join(dir, 'main/checks'), 'utf8')
  const { code } = await runSupervisor(['stop'], dir)
  assert.equal(code, 0)
  const before = await checks()
  assert.match(before, /^(r0\n)+$/)
  await sleep(500)
  assert.equal(await checks(), before)
  assert.deepEqual((await statusOf(dir)).program.health, { is: 'none' })
  await runSupervisor(['start'], dir)
  await daemon.says(/main\.py is healthy/)
  assert.notEqual(await checks(), before)
  await endsWithNobodyLeft(daemon)
})

test('a check that is under way when the program ends goes with it', async (t) => {
  const dir = await makeProject(t, {
    health: { ...quick, timeout: '60s', command: ['sh', '-c', 'touch asking; sleep 1000'] },
  })
  await putProgram('good', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  const [, pid] = await daemon.says(/started \(pid (\d+)\)/)
  const asking = async () => (await programsOf(dir)).filter((line) => line.includes('sleep 1000'))
  await until('it is asked', async () => (await asking()).length > 0)
  const before = await asking()
  process.kill(Number(pid), 'SIGKILL')
  await daemon.says(/main\.py was ended by SIGKILL; next start in/)
  await daemon.says(/main\.py started/)
  await until('it is asked again', async () => (await asking()).length > 0)
  const after = await asking()
  assert.ok(!before.some((line) => after.includes(line)), `${before} ${after}`)
  assert.doesNotMatch(daemon.output(), /left .* behind/)
  await endsWithNobodyLeft(daemon)
})

/** The program and its child take 120 MB. */
const little = { max_memory: '100MB', memory_interval: '50ms', memory_samples: 2 }

test('a program that takes too much memory is restarted, and it is said why', async (t) => {
  const dir = await projectWith(t, 'hog', { program: little })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py is being stopped \(pid \d+\): too much memory \(1[0-4]\d MB\)/)
  await daemon.says(/main\.py used 1[0-4]\d MB of memory \(max_memory is 100 MB\); next start in/)
  await daemon.says(/main\.py started \(pid \d+\): again, after it used 1[0-4]\d MB of memory/)
  await endsWithNobodyLeft(daemon)
})

test('a release that takes too much memory is rolled back', async (t) => {
  const dir = await projectWith(t, 'good', { program: little, trial: { time: '60s' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/good is up/)
  await putProgram('hog', join(dir, 'deposit'))
  await daemon.says(/r1: rolled back: main\.py used 1[0-4]\d MB of memory \(max_memory is 100 MB\)/)
  assert.deepEqual(await outcomesOf(dir), ['r1 rolled-back'])
  await endsWithNobodyLeft(daemon)
})
