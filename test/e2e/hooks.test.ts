import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { isLiving, until } from '../harness/processes.ts'
import { projectWith, putProgram, type Settings, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'
import { makeTrialsAmple } from '../harness/trial.ts'

/** A hook that keeps what it is told, one document on a line. */
const keep = ['sh', '-c', 'cat >> told']

/** What the hooks of a project have been told, oldest first. */
async function toldIn(dir: string) {
  const text = await readFile(join(dir, 'told'), 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}

async function startWith(t: TestContext, settings: Settings, program = 'good'): Promise<Daemon> {
  return startDaemon(t, await projectWith(t, program, settings))
}

test('hooks are told how each release ended', async (t) => {
  const daemon = await startWith(t, {
    hooks: { committed: keep, rejected: keep, rolled_back: keep, running: 1 },
    verify: { repair: '100ms' },
  })
  const { dir } = daemon
  await daemon.says(/good is up/)
  await writeTree(join(dir, 'deposit'), { 'data.txt': 'x' })
  await daemon.says(/r1: committed/)
  await makeTrialsAmple(daemon)
  await putProgram('crashes-at-once', join(dir, 'deposit'))
  await daemon.says(/r2: rolled back/)
  await writeTree(join(dir, 'deposit'), { 'main.py/x': 'a folder over a file' })
  await daemon.says(/r3: rejected/)
  await runSupervisor(['rollback'], dir)
  await until('all are told', async () => (await toldIn(dir)).length === 4)
  assert.equal(await daemon.end(), 0)
  const told = await toldIn(dir)
  assert.deepEqual(
    told.map(({ event, project, release }) => [event, project, release.id, release.from]),
    [
      ['committed', dir, 'r1', 'deposit'],
      ['rolled-back', dir, 'r2', 'deposit'],
      ['rejected', dir, 'r3', 'deposit'],
      ['rolled-back', dir, 'r1', 'deposit'],
    ],
  )
  const [committed, rolledBack, rejected] = told
  assert.deepEqual([committed.release.files, committed.release.bytes], [1, 1])
  assert.ok(committed.downtimeMs > 0)
  assert.match(rolledBack.why, /exit code 1 .*, within its trial/)
  assert.match(rejected.why, /^main\.py is a folder in the deposit/)
})

test('a hook is told once when the program becomes FATAL', async (t) => {
  const daemon = await startWith(
    t,
    {
      program: { crash_limit: 2, crash_window: '5min', fatal_retry: '50ms' },
      hooks: { fatal: keep },
    },
    'crashes-at-once',
  )
  const { dir } = daemon
  for (let tries = 0; tries < 4; tries += 1) await daemon.says(/\(FATAL\)/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await toldIn(dir), [
    { event: 'fatal', release: { id: 'r0' }, exit: { is: 'code', code: 1 }, project: dir },
  ])
})

test('a slow hook holds up neither the next release nor the end of the daemon', async (t) => {
  const daemon = await startWith(t, {
    hooks: { committed: ['sh', '-c', 'echo $$ busy; sleep 1000'], deadline: '1h', end: '100ms' },
  })
  const { dir } = daemon
  await daemon.says(/good is up/)
  await writeTree(join(dir, 'deposit'), { a: '1' })
  const [, first] = await daemon.says(/hook out +(\d+) busy/)
  await writeTree(join(dir, 'deposit'), { b: '2' })
  await daemon.says(/r2: committed/)
  const [, second] = await daemon.says(/hook out +(\d+) busy/)
  assert.deepEqual(await outcomesOf(dir), ['r1 committed', 'r2 committed'])
  assert.ok([first, second].every((pid) => isLiving(Number(pid))))
  assert.equal(await daemon.end(), 0)
  assert.match(daemon.output(), /hook for "committed" was ended: the daemon is stopping/)
  assert.ok(![first, second].some((pid) => isLiving(Number(pid))))
})

test('hooks that fail, hang or are not there change nothing', async (t) => {
  const daemon = await startWith(t, {
    hooks: {
      committed: ['./not-there'],
      rejected: ['sh', '-c', 'yes; exit 1'],
      max_output: '100B',
      deadline: '3s',
    },
  })
  const { dir } = daemon
  await daemon.says(/good is up/)
  await writeTree(join(dir, 'deposit'), { a: '1' })
  await daemon.says(/WARNING: the hook for "committed" could not be started: .*ENOENT/)
  await writeTree(join(dir, 'deposit'), { 'main.py/x': 'a folder over a file' })
  await daemon.says(/WARNING: the hook for "rejected" has printed more than 100 bytes/)
  await daemon.says(/WARNING: the hook for "rejected" was ended: it took longer than 3 s/)
  assert.equal(daemon.output().match(/hook out +y$/gm)?.length, 50)
  assert.deepEqual(await outcomesOf(dir), ['r1 committed', 'r2 rejected'])
  assert.equal(await daemon.end(), 0)
})

test('a hook can be set while the daemon runs', async (t) => {
  const daemon = await startWith(t, {})
  const { dir } = daemon
  await daemon.says(/good is up/)
  const toml = join(dir, 'supervisor.toml')
  await writeFile(toml, `${await readFile(toml, 'utf8')}\n[hooks]\ncommitted = ["echo", "set"]\n`)
  assert.equal((await runSupervisor(['reload'], dir)).code, 0)
  await writeTree(join(dir, 'deposit'), { a: '1' })
  await daemon.says(/hook out +set/)
  assert.equal(await daemon.end(), 0)
})

test('what systemd means for the daemon alone does not reach a hook', async (t) => {
  const dir = await projectWith(t, 'good', { hooks: { committed: ['sh', '-c', 'env; echo all'] } })
  const env = { NOTIFY_SOCKET: '', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1', MARK: 'seen' }
  const daemon = await startDaemon(t, dir, env)
  await daemon.says(/good is up/)
  await writeTree(join(dir, 'deposit'), { a: '1' })
  await daemon.says(/hook out +all/)
  assert.equal(await daemon.end(), 0)
  assert.match(daemon.output(), /hook out +MARK=seen/)
  assert.doesNotMatch(daemon.output(), /hook out +(NOTIFY|WATCHDOG)_/)
})
