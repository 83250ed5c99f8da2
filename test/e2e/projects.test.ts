import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitIn, programSaying } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { newProgram } from '../harness/deposit.ts'
import { noSystemdNotify, openNotifySocket, socketName } from '../harness/notify-socket.ts'
import {
  ask,
  makeParent,
  programsIn,
  putCheckout,
  putMember,
  quickGit,
  writeMembers,
} from '../harness/parent.ts'
import { isLiving, until } from '../harness/processes.ts'
import { putProgram, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'

const start = (t: Parameters<typeof startDaemon>[0], dir: string) =>
  startDaemon(t, dir, { HOME: dir })

/** Waits until each of them says its own name. */
function areUp(daemon: Daemon, ...names: readonly string[]): Promise<unknown> {
  return Promise.all(
    names.map((name) => daemon.says(new RegExp(`\\[${name}\\] r\\d+ out +${name}$`, 'm'))),
  )
}

test('the trouble of one project is its own: the others are updated side by side', async (t) => {
  const dir = await makeParent(
    t,
    {
      crashing: {},
      unreachable: { sections: { git: quickGit } },
      gone: {},
      fed: { sections: { git: quickGit } },
      uploaded: {},
    },
    { daemon: { project_retry: '200ms' } },
  )
  await putProgram('crashes-at-once', join(dir, 'crashing/main'))
  const broken = await putCheckout(t, dir, 'unreachable/main')
  rmSync(broken.dir, { recursive: true })
  const remote = await putCheckout(t, dir, 'fed/main')
  await putMember(dir, 'uploaded')
  const daemon = await start(t, dir)
  await Promise.all([
    areUp(daemon, 'uploaded'),
    daemon.says(/\[gone\] supervisor {2}ERROR: this project does not run: there is no directory/),
    daemon.says(/\[unreachable\] supervisor {2}ERROR: git: /),
    daemon.says(/\[unreachable\] r0 out +first/),
    daemon.says(/\[crashing\] supervisor {2}ERROR: .*next start in/),
  ])
  await remote.commit({ 'main.py': programSaying('second') })
  await writeTree(join(dir, 'uploaded/deposit'), { 'main.py': newProgram })
  await Promise.all([
    daemon.says(/\[fed\] supervisor {2}r1: committed/),
    daemon.says(/\[uploaded\] supervisor {2}r1: committed/),
  ])
  assert.deepEqual(await outcomesOf(join(dir, 'fed')), ['r1 committed'])
  assert.equal(existsSync(join(dir, 'fed/logs')), false, 'there is one log')
  assert.equal(existsSync(join(dir, 'gone')), false, 'what is not there is not made')

  const { code, said } = await ask(dir, 'status')
  assert.equal(code, 0)
  assert.equal(said.directory, dir)
  assert.equal(said.daemon.pid, daemon.pid)
  const { projects } = said
  assert.deepEqual(Object.keys(projects), ['crashing', 'fed', 'gone', 'unreachable', 'uploaded'])
  assert.equal(projects.fed.release.id, 'r1')
  assert.notEqual(projects.crashing.program.restarts, 0)
  assert.equal(projects.fed.program.restarts, 0, 'it did not crash')
  assert.equal(projects.uploaded.program.restarts, 0, 'it did not crash')
  assert.equal(projects.unreachable.git.found, 'failed')
  assert.match(projects.gone.trouble, /^there is no directory /)
  const table = await runSupervisor(['status'], dir, { NO_COLOR: '1' })
  assert.match(table.stdout, /^crashing {5}(BACKOFF|STARTING|RUNNING|FATAL) /m)
  assert.match(table.stdout, /^fed {10}RUNNING .* r1 committed$/m)
  assert.match(table.stdout, /^unreachable .*\n {2}the remote says no: fatal: /m)
  assert.match(table.stdout, /^gone {9}not open\n {2}there is no directory /m)

  // A folder that goes while its program runs is its own trouble too.
  renameSync(join(dir, 'uploaded'), join(dir, 'away'))
  await remote.commit({ 'main.py': programSaying('third') })
  await Promise.all([
    daemon.says(/\[fed\] supervisor {2}r2: committed/),
    daemon.says(/\[uploaded\] supervisor {2}ERROR: this project does not run: there is no dir/),
  ])
  assert.equal(existsSync(join(dir, 'uploaded')), false, 'it is not made again')
  renameSync(join(dir, 'away'), join(dir, 'uploaded'))
  await daemon.says(/\[uploaded\] r1 out +the new one is up/)
  assert.equal(await daemon.end(), 0, daemon.output())
})

test('verbs take names and patterns; the exit code is the worst', async (t) => {
  const dir = await makeParent(t, { garage: {}, gate: {}, roof: {} })
  for (const name of ['garage', 'gate', 'roof']) await putMember(dir, name)
  const daemon = await start(t, dir)
  await areUp(daemon, 'garage', 'gate', 'roof')
  const run = (...args: string[]) => runSupervisor(args, dir, { NO_COLOR: '1' })

  const before = await programsIn(dir, ['garage', 'gate', 'roof'])
  const restarted = await run('restart', 'ga*')
  assert.equal(restarted.code, 0, restarted.stderr)
  assert.deepEqual(restarted.stdout.trim().split('\n').toSorted(), [
    'garage: main.py started',
    'gate: main.py started',
  ])
  const after = await programsIn(dir, ['garage', 'gate', 'roof'])
  assert.notDeepEqual(after['gate'], before['gate'])
  assert.deepEqual(after['roof'], before['roof'])

  // Nothing was ever committed: each of them refuses for itself.
  const back = await ask(dir, 'rollback', '-p', 'roof')
  assert.equal(back.code, 1)
  assert.match(back.done.stderr, /nothing to go back to/)
  for (const args of [
    ['rollback'],
    ['rollback', 'r1'],
    ['deploy', 'x'],
    ['rollback', '-p', 'g*'],
  ]) {
    const unclear = await run(...args)
    assert.equal(unclear.code, 2, args.join(' '))
    assert.match(unclear.stderr, /name it with -p NAME \(garage, gate/)
  }
  const nobody = await run('stop', 'x*')
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /there is no project x\*; there are: garage, gate, roof/)

  assert.equal((await run('stop', 'gate')).code, 0)
  const one = await ask(dir, 'status', 'gate')
  assert.equal(one.said.program.wanted, 'down', 'one by its name is told as ever')
  const several = await ask(dir, 'status', 'gat*')
  assert.deepEqual(Object.keys(several.said.projects), ['gate'])
  const updated = await ask(dir, 'update')
  assert.equal(updated.code, 1, 'no remote is set in any of them')
  assert.deepEqual(Object.keys(updated.said), ['garage', 'gate', 'roof'])
  assert.match(updated.said.roof.error, /git/)

  await writeTree(join(dir, 'up'), { 'main.py': newProgram })
  const deployed = await run('deploy', 'up/', '-p', 'roof')
  assert.equal(deployed.code, 0, deployed.stderr)
  assert.deepEqual(await outcomesOf(join(dir, 'roof')), ['r1 committed'])
  const undone = await run('rollback', 'r1', '--project', 'roof')
  assert.match(undone.stdout, /main\/ is back at r0/)
  const history = await ask(dir, 'history', 'roof')
  assert.equal(history.said[0].result, 'rolled-back')
  assert.deepEqual((await ask(dir, 'history')).said.garage, [])

  const log = await run('logs', 'roof', '-n', '4')
  assert.equal(log.stdout.trim().split('\n').length, 4)
  for (const line of log.stdout.trim().split('\n')) assert.match(line, /^\S+ \S+ {2}\[roof\] /)
  const checked = await ask(dir, 'check', 'g*')
  assert.deepEqual(Object.keys(checked.said), ['garage', 'gate'])
  const inside = await ask(join(dir, 'garage'), 'status')
  assert.equal(inside.said.program.state, 'RUNNING', 'its own folder leads to the parent')
  const second = await runSupervisor([], join(dir, 'garage'))
  assert.equal(second.code, 1)
  assert.ok(second.stderr.includes(`it runs the projects of ${dir}: ask it there`), second.stderr)
  assert.equal(
    existsSync(join(dir, 'garage/logs')),
    false,
    'a daemon that may not run makes nothing',
  )
  // What lies there is its own; its log is its parent's.
  await writeTree(join(dir, 'garage/logs'), { mine: '' })
  const itsLog = await runSupervisor(['logs', '-n', '2'], join(dir, 'garage'))
  assert.match(itsLog.stdout, /^(\S+ \S+ {2}\[garage\] .*\n){2}$/)

  assert.equal(await daemon.end(), 0)
  const off = await ask(dir, 'status')
  assert.equal(off.code, 3)
  assert.equal(off.said.projects.roof.last.result, 'rolled-back')
  const down = await run('restart')
  assert.equal(down.code, 3)
  assert.equal(down.stderr.match(/no daemon runs/g)?.length, 1, 'once is enough')
})

test('reload opens what is new, closes what is gone, and changes the others in place', async (t) => {
  const dir = await makeParent(t, { stays: {}, goes: {} })
  for (const name of ['stays', 'goes', 'comes']) await putMember(dir, name)
  const daemon = await start(t, dir)
  await areUp(daemon, 'stays', 'goes')
  const before = await programsIn(dir, ['stays', 'goes'])
  writeFileSync(join(dir, 'supervisor.toml'), '[projects.stays]\nnothing = 1\n')
  const refused = await runSupervisor(['reload'], dir)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /supervisor\.toml:2: projects\.stays\.nothing: there is no such/)
  assert.deepEqual(await programsIn(dir, ['stays', 'goes']), before)

  const own = { sections: { trial: { time: '1s' } } }
  await writeMembers(dir, { stays: own, comes: {}, missing: {} })
  const done = await runSupervisor(['reload'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /^goes: closed$/m)
  assert.match(done.stdout, /^comes: being opened$/m)
  assert.match(done.stdout, /^stays: new settings in force: trial\.time$/m)
  await areUp(daemon, 'comes')
  const after = await programsIn(dir, ['stays', 'goes'])
  assert.deepEqual(after, { stays: before['stays'], goes: [] })
  // Nobody holds its folder any more: it can be run by itself.
  const alone = await start(t, join(dir, 'goes'))
  await alone.says(/r0 out +goes$/m)
  await alone.end()

  await putMember(dir, 'missing')
  await runSupervisor(['reload'], dir)
  await areUp(daemon, 'missing')
})

test('a project that another daemon runs is left to it until that ends', async (t) => {
  const dir = await makeParent(t, { taken: {}, free: {} }, { daemon: { project_retry: '100ms' } })
  for (const name of ['taken', 'free']) await putMember(dir, name)
  const other = await start(t, join(dir, 'taken'))
  await other.says(/r0 out +taken$/m)
  const daemon = await start(t, dir)
  await Promise.all([
    areUp(daemon, 'free'),
    daemon.says(new RegExp(`\\[taken\\] .*another ota-supervisor already runs .*pid ${other.pid}`)),
  ])
  const asked = await runSupervisor(['restart', 'taken'], dir)
  assert.equal(asked.code, 1)
  assert.match(asked.stderr, /already runs/)
  await other.end()
  await areUp(daemon, 'taken')
  const second = await runSupervisor([], dir)
  assert.match(second.stderr, new RegExp(`already runs in ${dir} \\(pid ${daemon.pid}\\)`))
})

test('after a kill -9 all programs have ended, and exactly one of each runs again', async (t) => {
  const names = ['a', 'b', 'c']
  const dir = await makeParent(t, Object.fromEntries(names.map((name) => [name, {}])))
  for (const name of names) await putMember(dir, name)
  const daemon = await start(t, dir)
  await areUp(daemon, ...names)
  const before = Object.values(await programsIn(dir, names)).flat()
  assert.equal(before.length, 3)
  await daemon.end('SIGKILL')
  await until('the programs to end', () =>
    before.every((one) => !isLiving(Number.parseInt(one, 10))),
  )
  const again = await start(t, dir)
  await areUp(again, ...names)
  const after = await programsIn(dir, names)
  for (const name of names) assert.equal(after[name]?.length, 1, `${name}: ${after[name]}`)
  assert.equal(await again.end(), 0)
  assert.deepEqual(Object.values(await programsIn(dir, names)).flat(), [])
})

test('twenty connectors that are found get a commit at once: all take it, some look at a time', async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `c${index + 1}`)
  const dir = await makeParent(
    t,
    {},
    {
      git: { every: '1h', deadline: '20s' },
      discover: { gupfiles: true },
      daemon: { parallel: 3 },
      trial: { time: '100ms' },
    },
  )
  const remote = await putCheckout(t, dir, 'c1', { gupfile: '' })
  for (const name of names.slice(1)) gitIn(dir, 'clone', '-q', remote.dir, name)
  // Git tells when it reaches for the remote, and when it is done with that.
  const told = join(dir, 'told')
  const bin = join(dir, 'bin')
  const real = placeIn('git')
  const script = `#!/bin/sh
for word in "$@"; do case "$word" in ls-remote|fetch) echo + >> '${told}'; '${real}' "$@"; code=$?; echo - >> '${told}'; exit $code;; esac; done
exec '${real}' "$@"
`
  await writeTree(bin, { git: script })
  chmodSync(join(bin, 'git'), 0o755)
  const { PATH = '' } = process.env
  const daemon = await startDaemon(t, dir, { HOME: dir, PATH: `${bin}:${PATH}` })
  await Promise.all(
    names.map((name) => daemon.says(new RegExp(`\\[${name}\\] .*git: main is at`), 150_000)),
  )
  // What lies in a connector is its own, whatever its name.
  const commit = { 'main.py': programSaying('second'), 'supervisor.toml': 'x', 'logs/a': 'b' }
  await remote.commit(commit)
  // All look again.
  process.kill(daemon.pid, 'SIGHUP')
  await Promise.all(
    names.map((name) => daemon.says(new RegExp(`\\[${name}\\] .* r1: committed`), 150_000)),
  )
  for (const name of names)
    assert.deepEqual(await outcomesOf(join(dir, name)), ['r1 committed'], name)
  let now = 0
  let most = 0
  for (const step of readFileSync(told, 'utf8').trim().split('\n')) {
    now += step === '+' ? 1 : -1
    most = Math.max(most, now)
  }
  assert.ok(most <= 3 && most > 1, `${most} at a time`)
})

test('an update without a daemon is for those that are named, each by itself', async (t) => {
  const dir = await makeParent(t, {}, { discover: { gupfiles: true }, git: { random_delay: '0s' } })
  const remote = await putCheckout(t, dir, 'a', { gupfile: '' })
  for (const name of ['b', 'c']) gitIn(dir, 'clone', '-q', remote.dir, name)
  await remote.commit({ 'main.py': programSaying('second') })
  const two = await ask(dir, 'update', 'a', 'b')
  assert.equal(two.code, 0, two.done.stderr)
  assert.deepEqual(two.said, { a: { is: 'held', id: 'r1' }, b: { is: 'held', id: 'r1' } })
  assert.deepEqual(Object.values(await programsIn(dir, ['a', 'b', 'c'])).flat(), [])
  const { said } = await ask(dir, 'status')
  assert.equal(said.projects.b.release.result, 'on-trial')
  assert.equal(said.projects.c.release.result, null)
  // The next daemon starts them, with the trial.
  const daemon = await start(t, dir)
  await Promise.all(['a', 'b'].map((name) => daemon.says(new RegExp(`\\[${name}\\] .*r1: comm`))))
})

const skip = noSystemdNotify()

test('systemd hears when all have been tried, and how they stand', { skip }, async (t) => {
  const dir = await makeParent(
    t,
    { good: {}, crashing: {}, gone: {} },
    { program: { backoff: '1h', backoff_max: '1h' }, systemd: { tick: '30ms' } },
  )
  await putMember(dir, 'good')
  await putProgram('crashes-at-once', join(dir, 'crashing/main'))
  const name = await socketName(t)
  const socket = await openNotifySocket(t, name)
  const daemon = await startDaemon(t, dir, { NOTIFY_SOCKET: name })
  await socket.hears(/^READY=1$/)
  await socket.hears(/^STATUS=3 projects: 1 running, 1 BACKOFF \(crashing\), 1 not open \(gone\)$/)
  assert.equal(await daemon.end(), 0)
})

/** Where a command really is. */
function placeIn(name: string): string {
  const { PATH = '' } = process.env
  const paths = PATH.split(':').map((folder) => join(folder, name))
  return paths.find((path) => existsSync(path)) ?? name
}
