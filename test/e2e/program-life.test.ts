import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/cleanup.ts'
import { type Daemon, endsWithNobodyLeft, passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { isLiving, programsOf, until } from '../harness/processes.ts'
import {
  makeProject,
  projectWith,
  putProgram,
  type Settings,
  writeSettings,
  writeTree,
} from '../harness/project.ts'
import { outcomesOf, stageOf } from '../harness/records.ts'
import { ampleTrial } from '../harness/trial.ts'

/** A daemon whose main holds one of the fixture programs. */
async function daemonWith(
  t: TestContext,
  program: string,
  settings: Settings = {},
): Promise<Daemon> {
  return startDaemon(t, await projectWith(t, program, settings))
}

/** Sees that the one living program is the one that says this. */
async function isAlone(daemon: Daemon): Promise<void> {
  assert.equal((await programsOf(daemon.dir)).length, 1, daemon.output())
}

test('a program that ignores SIGTERM and SIGINT is ended by SIGKILL', async (t) => {
  const daemon = await daemonWith(t, 'ignores-signals', {
    program: { stop: '100ms', term: '100ms' },
  })
  await daemon.says(/deaf is up/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await Promise.all([
    daemon.says(/r1 out +good is up/).then(() => isAlone(daemon)),
    daemon.says(/r1: committed/),
  ])
  await endsWithNobodyLeft(daemon)
})

test('a grandchild that would outlive the program is ended before the next one starts', async (t) => {
  const daemon = await daemonWith(t, 'leaves-grandchild')
  const [, pid] = await daemon.says(/grandchild (\d+) is up/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await Promise.all([
    daemon.says(/r1 out +good is up/).then(async () => {
      assert.equal(isLiving(Number(pid)), false)
      await isAlone(daemon)
    }),
    daemon.says(/r1: committed/),
  ])
  await endsWithNobodyLeft(daemon)
})

test('a grandchild left behind by a crash is ended before the program is tried again', async (t) => {
  const daemon = await daemonWith(t, 'leaves-grandchild')
  const [, pid] = await daemon.says(/grandchild (\d+) is up/)
  const [, leader] = /started \(pid (\d+)\)/.exec(daemon.output()) ?? []
  process.kill(Number(leader), 'SIGKILL')
  await daemon.says(/WARNING: main\.py left 1 process behind; ended: \S+ \(pid \d+\)/)
  await daemon.says(/main\.py was ended by SIGKILL; next start in/)
  assert.equal(isLiving(Number(pid)), false)
  await daemon.says(/grandchild \d+ is up/)
  assert.equal((await programsOf(daemon.dir)).length, 2)
  await endsWithNobodyLeft(daemon)
})

test('a process that left the group and the session by two forks is found by its tag', async (t) => {
  const daemon = await daemonWith(t, 'leaves-daemon')
  const [, pid] = await daemon.says(/daemon (\d+) is up/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await Promise.all([
    daemon.says(/r1 out +good is up/).then(async () => {
      assert.equal(isLiving(Number(pid)), false)
      await isAlone(daemon)
    }),
    daemon.says(/r1: committed/),
  ])
  await endsWithNobodyLeft(daemon)
})

test('a stranger that goes on talking on stdout neither hangs the daemon nor costs the last words', async (t) => {
  const daemon = await daemonWith(t, 'leaves-stranger')
  const [, pid] = await daemon.says(/stranger (\d+) is up/)
  afterwards(t, () => process.kill(Number(pid), 'SIGKILL'))
  await putProgram('good', join(daemon.dir, 'deposit'))
  await daemon.says(/r0 out +the last words have no line end/)
  await passes(daemon, 'r1', /good is up/)
  assert.equal(isLiving(Number(pid)), true, 'the fixture must do what it is for')
  assert.equal(await daemon.end(), 0)
})

test('a program without a handler for SIGTERM sees KeyboardInterrupt, and tidies up', async (t) => {
  const daemon = await daemonWith(t, 'says-goodbye', { program: { stop: '20s' } })
  await daemon.says(/tidy is up/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await daemon.says(/r0 out +interrupted\n.*finally ran\n.*atexit ran/)
  await passes(daemon, 'r1', /good is up/)
  await endsWithNobodyLeft(daemon)
})

test('a program with a handler for SIGTERM is asked by SIGTERM, and by nothing else', async (t) => {
  const daemon = await daemonWith(t, 'handles-term')
  await daemon.says(/polite is up/)
  await endsWithNobodyLeft(daemon)
  assert.match(daemon.output(), /asked by SIGTERM/)
  assert.doesNotMatch(daemon.output(), /asked by SIGINT/)
})

test('a program that exits with 0 has reached its end, and waits for the next deposit', async (t) => {
  const daemon = await daemonWith(t, 'ends-well')
  await daemon.says(/the job is done/)
  await daemon.says(/main\.py reached its end \(exit code 0\); waiting for the next deposit/)
  assert.deepEqual(await programsOf(daemon.dir), [])
  await putProgram('good', join(daemon.dir, 'deposit'))
  await passes(daemon, 'r1', /good is up/)
  assert.equal(daemon.output().match(/the job is done/g)?.length, 1, 'not started again')
  await endsWithNobodyLeft(daemon)
})

test('a release that exits with 0 within its trial passes it', async (t) => {
  const daemon = await daemonWith(t, 'good', ampleTrial)
  await daemon.says(/good is up/)
  await putProgram('ends-well', join(daemon.dir, 'deposit'))
  await Promise.all([
    daemon.says(/r1 out +the job is done/),
    daemon.says(/r1: committed \(main\.py reached its end/),
  ])
  assert.deepEqual(await outcomesOf(daemon.dir), ['r1 committed'])
  await endsWithNobodyLeft(daemon)
})

test('a program that cannot stay up is tried again and again, then FATAL, then tried again', async (t) => {
  const daemon = await daemonWith(t, 'crashes-at-once', {
    program: { crash_limit: 3, crash_window: '5min', fatal_retry: '300ms' },
  })
  await daemon.says(/ended with exit code 1; next start in (4[5-9]|5[0-5]) ms/)
  await daemon.says(/ended with exit code 1; next start in (9\d|10\d|110) ms/)
  await daemon.says(/too often in a short time \(FATAL\); next start in 300 ms/)
  await daemon.says(/started \(pid \d+\): again, after it ended with exit code 1/)
  await daemon.says(/\(FATAL\)/)
  await endsWithNobodyLeft(daemon)
})

test('a FATAL program is replaced at once by a new release', async (t) => {
  const daemon = await daemonWith(t, 'crashes-at-once', {
    program: { crash_limit: 2, crash_window: '5min', fatal_retry: '1h' },
  })
  await daemon.says(/\(FATAL\); next start in 60 min, or at once on a new deposit/)
  await putProgram('good', join(daemon.dir, 'deposit'))
  await passes(daemon, 'r1', /good is up/)
  await endsWithNobodyLeft(daemon)
})

test('a FATAL program does not hold up the end of the daemon', async (t) => {
  const daemon = await daemonWith(t, 'crashes-at-once', {
    program: { crash_limit: 1, fatal_retry: '1h' },
  })
  await daemon.says(/\(FATAL\)/)
  await endsWithNobodyLeft(daemon)
})

test('a release that crashes after its start, within the trial, is rolled back', async (t) => {
  const daemon = await daemonWith(t, 'good', ampleTrial)
  await daemon.says(/good is up/)
  await putProgram('crashes-later', join(daemon.dir, 'deposit'))
  await daemon.says(/r1 out +brittle is up/)
  await daemon.says(/r1: going back: main\.py ended with exit code 3 .* within its trial/)
  await Promise.all([daemon.says(/r0 out +good is up/), daemon.says(/r1: rolled back/)])
  await isAlone(daemon)
  assert.deepEqual(await outcomesOf(daemon.dir), ['r1 rolled-back'])
  await endsWithNobodyLeft(daemon)
})

test('the reason of a roll-back tells the error and its place', async (t) => {
  const daemon = await daemonWith(t, 'good', ampleTrial)
  await daemon.says(/good is up/)
  await drop(daemon, { 'main.py': 'import part\n', 'part.py': '\nraise OSError("no sensor")\n' })
  await daemon.says(/r1: rolled back: .* It said last: OSError: no sensor \(part\.py, line 2\)/)
  const told = await readFile(join(daemon.dir, 'deposit/DEPOSIT-RESULT.txt'), 'utf8')
  assert.match(told, /OSError: no sensor \(part\.py, line 2\)/)
})

test('a release that kills its supervisor once goes on with its trial, and passes', async (t) => {
  const first = await daemonWith(t, 'good', ampleTrial)
  await first.says(/good is up/)
  await putMurderer(first.dir, 1)
  assert.equal(await first.ended, 'SIGKILL')
  await until('the program has died with the daemon', async () => {
    return (await programsOf(first.dir)).length === 0
  })
  // It was killed within its trial; from here it passes by the time.
  await writeSettings(first.dir)
  const second = await startDaemon(t, first.dir)
  await passes(second, 'r1', /murderer is up/)
  assert.deepEqual(await outcomesOf(first.dir), ['r1 committed'])
  await endsWithNobodyLeft(second)
})

test('a release that kills its supervisor at every start is rolled back after max_boots', async (t) => {
  const dir = await projectWith(t, 'good', { trial: { max_boots: 2, ...ampleTrial.trial } })
  let daemon = await startDaemon(t, dir)
  await daemon.says(/good is up/)
  await putMurderer(dir, 1_000)
  const boots: (number | undefined)[] = []
  while ((await daemon.ended) === 'SIGKILL') {
    boots.push((await stageOf(dir))?.boots)
    assert.ok(boots.length < 10, `killed for ever: ${daemon.output()}`)
    daemon = await startDaemon(t, dir)
    const isBack = await Promise.all([
      daemon.says(/r0 out +good is up/),
      daemon.says(/r1: rolled back: the daemon or the machine went down during its trial, 2 times/),
    ]).catch(() => null)
    if (isBack !== null) break
  }
  assert.deepEqual(boots, [1, 2])
  assert.match(await readFile(join(dir, 'main/main.py'), 'utf8'), /good is up/)
  await isAlone(daemon)
  assert.deepEqual(await outcomesOf(dir), ['r1 rolled-back'])
  await endsWithNobodyLeft(daemon)
})

async function putMurderer(dir: string, kills: number): Promise<void> {
  await writeTree(join(dir, 'main'), { kills: String(kills) })
  await putProgram('kills-supervisor', join(dir, 'deposit'))
}

test('a program may open its stdout and stderr anew by their names', async (t) => {
  const dir = await makeProject(t)
  const main = `import time
open("/dev/stdout", "w").write("by the name of stdout\\n")
open("/dev/stderr", "w").write("by the name of stderr\\n")
time.sleep(600)
`
  await writeTree(dir, { 'main/main.py': main })
  const daemon = await startDaemon(t, dir)
  await Promise.all([
    daemon.says(/r0 out +by the name of stdout/),
    daemon.says(/r0 err +by the name of stderr/),
  ])
})
