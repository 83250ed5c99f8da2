import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { startDaemon, supervisorJs } from '../harness/daemon.ts'
import { drop, newProgram, startWithProgram } from '../harness/deposit.ts'
import { until } from '../harness/processes.ts'
import { makeProject, projectWith } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

test('status says how all stands, for people and for programs', async (t) => {
  const daemon = await startWithProgram(t, { trial: { time: '1h' } })
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: applied/)
  await drop(daemon, { '.hold': '', 'next.txt': 'x' })
  await daemon.says(/the deposit waits: \.hold says so/)
  const { code, stdout, stderr } = await runSupervisor(['status', '--json'], daemon.dir)
  assert.equal(code, 0, stderr)
  const { daemon: own, program, release, deposit, underWay } = JSON.parse(stdout)
  assert.equal(own.pid, daemon.pid)
  assert.match(own.version, /^\d+\.\d+\.\d+$/)
  assert.ok(Date.parse(own.since) <= Date.now() + 1_000)
  assert.match(own.session, /\/logs\/logfile_\S+\.log$/)
  assert.match(program.state, /^(STARTING|RUNNING)$/)
  assert.equal(program.wanted, 'up')
  assert.equal(program.restarts, 0)
  assert.equal(program.lastExit, null)
  assert.deepEqual(program.cause, { by: 'release', id: 'r1', text: 'release r1' })
  assert.ok(program.pid > 0 && program.rssBytes > 1_000_000 && program.cpuPercent >= 0)
  assert.equal(release.id, 'r1')
  assert.equal(release.result, 'on-trial')
  assert.equal(underWay.length, 1)
  assert.equal(deposit.files, 1)
  assert.equal(deposit.waitingFor.because, 'marker')

  const text = await runSupervisor(['status'], daemon.dir, { NO_COLOR: '1' })
  assert.match(text.stdout, /^main\.py {3}(RUNNING|STARTING), pid \d+, for \d+ s\n/)
  assert.match(text.stdout, /\nrelease {3}r1 on-trial, /)
  assert.match(text.stdout, /\ndeposit {3}1 file\n {10}the deposit waits: \.hold/)
  assert.match(text.stdout, /\ndaemon {4}\S+, pid \d+, for \d+ s\n/)
  assert.equal(text.stdout.includes('\x1b'), false)
})

test('status counts restarts and tells the last exit and its cause', async (t) => {
  const dir = await projectWith(t, 'crashes-at-once')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py started[\s\S]*main\.py started[\s\S]*next start in/)
  const { stdout } = await runSupervisor(['status', '--json'], dir)
  const { program } = JSON.parse(stdout)
  assert.ok(program.restarts >= 1)
  assert.equal(program.lastExit.is, 'code')
  assert.match(program.lastExit.text, /^ended with exit code \d+$/)
  assert.equal(program.cause.by, 'retry')
  const text = await runSupervisor(['status'], dir)
  assert.match(text.stdout, /\n +\d+ restarts? by itself\n +last time it ended with exit code/)
})

test('without a daemon status and history answer from the disk and say so; the rest exits 3', async (t) => {
  const first = await startWithProgram(t)
  await drop(first, { 'main.py': newProgram })
  await first.says(/r1: committed/)
  await first.end()
  const { dir } = first
  const status = await runSupervisor(['status', '--json'], dir)
  assert.equal(status.code, 3)
  assert.match(status.stderr, /no daemon runs in \S+; this is what the disk tells/)
  const found = JSON.parse(status.stdout)
  assert.equal(found.daemon, null)
  assert.equal(found.program.state, 'STOPPED')
  assert.equal(found.release.id, 'r1')
  const history = await runSupervisor(['history', '--json'], dir)
  assert.equal(history.code, 0)
  assert.match(history.stderr, /this is what the disk tells/)
  const [entry] = JSON.parse(history.stdout)
  assert.deepEqual(
    { ...entry, at: '', bytes: 0, downtimeMs: 0 },
    { id: 'r1', from: 'deposit', at: '', files: 1, bytes: 0, result: 'committed', downtimeMs: 0 },
  )
  for (const verb of ['start', 'stop', 'restart', 'rollback', 'reload']) {
    const done = await runSupervisor([verb], dir)
    assert.equal(done.code, 3, verb)
    assert.match(done.stderr, /^ota-supervisor: no daemon runs in [\s\S]*\n {2}start it there: /)
    assert.equal(done.stdout, '')
  }
})

test('status says why nothing runs where there is no main.py', async (t) => {
  const dir = await makeProject(t)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/waiting for uploads/)
  const text = await runSupervisor(['status'], dir, { NO_COLOR: '1' })
  assert.match(text.stdout, /^main\.py {3}STOPPED.*\n {10}there is no main\.py yet; waiting for/)
})

test('where no daemon has ever run every verb says so and makes nothing', async (t) => {
  const dir = await makeFolder(t)
  for (const verb of ['status', 'history', 'start', 'stop', 'restart', 'rollback', 'reload']) {
    const done = await runSupervisor([verb, '-C', dir], '/')
    assert.equal(done.code, 1, verb)
    assert.match(done.stderr, /no ota-supervisor has ever run in[\s\S]*-C DIR/)
  }
})

test('every verb has help that fits into 80 columns, and refuses what it does not know', async (t) => {
  const dir = await makeProject(t)
  const usage = await runSupervisor(['--help'], dir)
  const verbs = [...usage.stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name)
  assert.ok(verbs.length > 10)
  for (const verb of verbs) {
    const help = await runSupervisor([verb, '--help'], dir)
    assert.equal(help.code, 0, verb)
    assert.match(help.stdout, new RegExp(`^Usage: ota-supervisor \\[?${verb}`))
    const long = help.stdout.split('\n').filter((line) => line.length > 80)
    assert.deepEqual(long, [], verb)
    const wrong = await runSupervisor([verb, '--no-such-option'], dir)
    assert.equal(wrong.code, 2, verb)
    assert.match(wrong.stderr, /no-such-option[\s\S]*--help/)
  }
  for (const id of ['twelve', 'r01', '']) {
    const wrong = await runSupervisor(['rollback', id], dir)
    assert.equal(wrong.code, 2, id)
    assert.match(wrong.stderr, /is not the ID of a release[\s\S]*rollback --help/)
  }
  const number = await runSupervisor(['history', '-n', 'many'], dir)
  assert.equal(number.code, 2)
  assert.match(number.stderr, /-n wants a number/)
})

test('another user is told to be the right one, wherever he is stopped', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const daemon = await startWithProgram(t)
  const { dir } = daemon
  const hint = /EACCES[\s\S]*\n {2}do it as the user to whom this belongs, or with sudo\n$/
  for (const [verb, code] of [
    ['status', 1],
    ['logs', 1],
    ['check', 2],
  ] as const) {
    const closed = await runSupervisor([verb, '-C', dir], '/', {}, 54_321)
    assert.equal(closed.code, code)
    assert.match(closed.stderr, hint)
  }
  await chmod(dir, 0o755)
  assert.match((await runSupervisor(['logs'], dir, {}, 54_321)).stderr, hint)
})

/** Runs `check --json` with that as its stdout; `pipe`: one that nobody reads. */
async function checkInto(stdout: 'pipe' | number, dir: string): Promise<[number | null, string]> {
  const args = [supervisorJs, 'check', '--json', '-C', dir]
  const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'pipe'] })
  child.stdout?.destroy()
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return [code, stderr]
}

test('a daemon that hangs keeps nobody waiting for ever', async (t) => {
  const daemon = await startWithProgram(t)
  process.kill(daemon.pid, 'SIGSTOP')
  const { code, stderr } = await runSupervisor(['status'], daemon.dir)
  process.kill(daemon.pid, 'SIGCONT')
  assert.equal(code, 1)
  assert.match(stderr, /the daemon has not answered for 15 s\n.*ota-supervisor doctor/)
})

test('a reader that has had enough is no failure, a full disk is one', async (t) => {
  const dir = await makeProject(t)
  assert.deepEqual(await checkInto('pipe', dir), [0, ''])
  const full = await open('/dev/full', 'w')
  t.after(() => full.close())
  const [code, stderr] = await checkInto(full.fd, dir)
  assert.equal(code, 1)
  assert.match(stderr, /^ota-supervisor: .*ENOSPC.*\n$/)
})

test('reload and SIGHUP put new settings into force; a broken file changes nothing', async (t) => {
  const daemon = await startWithProgram(t, { trial: { time: '1h' } })
  const { dir } = daemon
  const file = join(dir, 'supervisor.toml')
  const before = await readFile(file, 'utf8')
  const reload = () => runSupervisor(['reload'], dir)

  assert.match((await reload()).stdout, /the settings are as before/)
  await appendFile(file, '\n[trail]\ntime = "1s"\n')
  const broken = await reload()
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /the old settings stay in force[\s\S]*trail/)
  await daemon.says(/the old settings stay in force/)

  await writeFile(file, before.replace('"1h"', '"100ms"'))
  process.kill(daemon.pid, 'SIGHUP')
  await daemon.says(/new settings in force: trial/)
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: committed/)

  await writeFile(file, `${before}\n[program]\n`)
  process.kill(daemon.pid, 'SIGHUP')
  await daemon.says(/the old settings stay in force/)
  await until('it lives', async () => (await runSupervisor(['status'], dir)).code === 0)
})
