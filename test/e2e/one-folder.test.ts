import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCheckout, programSaying, startCheckout } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { passes, startDaemon } from '../harness/daemon.ts'
import { makeFolder } from '../harness/tools.ts'
import { makeTrialsAmple, makeTrialsShort } from '../harness/trial.ts'

/** Projects whose main is the project directory itself: `main = "."`. */

test('a checkout that is the project: commits come, git sees nothing of ours', async (t) => {
  const checkout = await makeCheckout(t, { main: '.', files: { 'lib/a.py': 'A = 1\n' } })
  const { dir, remote, git } = checkout
  const daemon = await startCheckout(t, checkout, /git: main is at/)
  assert.equal(git('status', '--porcelain'), '')
  assert.ok(!existsSync(join(dir, 'deposit')) && !existsSync(join(dir, 'main')))
  const good = await remote.commit({ 'main.py': programSaying('second'), 'lib/a.py': null })
  await passes(daemon, 'r1', /second/)
  await makeTrialsAmple(daemon)
  await remote.commit({ 'main.py': 'raise SystemExit(3)\n', 'more.txt': 'x' })
  // The next look at the remote may be over before the roll-back is told of.
  await Promise.all([
    daemon.says(/r2: rolled back/),
    daemon.says(/was tried as r2 and did not pass/),
  ])
  assert.equal(git('rev-parse', 'HEAD'), good)
  assert.equal(git('status', '--porcelain'), '')
  await makeTrialsShort(daemon)
  // Killed, it goes on from what is there; our own is hidden once, however often that is looked at.
  assert.equal(await daemon.end('SIGKILL'), 'SIGKILL')
  const again = await startDaemon(t, dir, { HOME: dir })
  await again.says(/r1 out +second/)
  const mended = await remote.commit({ 'main.py': programSaying('mended') })
  await again.says(/r3: committed/)
  assert.equal(git('rev-parse', 'HEAD'), mended)
  assert.equal(git('status', '--porcelain'), '')
  const hidden = readFileSync(join(dir, '.git/info/exclude'), 'utf8').split('\n')
  assert.deepEqual(
    hidden.filter((line) => line.startsWith('/')),
    ['/.supervisor', '/logs', '/supervisor.toml'],
  )
  const status = JSON.parse((await runSupervisor(['status', '--json'], dir)).stdout)
  assert.equal(status.deposit, null)
  const deployed = await runSupervisor(['deploy', 'lib'], dir)
  assert.equal(deployed.code, 1)
  assert.match(deployed.stderr, /has no deposit/)
})

test('no release brings or deletes what is ours; settings only where pushers decide them anyway', async (t) => {
  const checkout = await makeCheckout(t, { main: '.' })
  const { dir, remote, git } = checkout
  const settings = readFileSync(join(dir, 'supervisor.toml'), 'utf8')
  const daemon = await startCheckout(t, checkout, /git: main is at/)
  await remote.commit({ 'logs/logfile.txt': 'x' })
  await daemon.says(/r1: rejected: logs: this is ota-supervisor's own/)
  await remote.commit({ 'logs/logfile.txt': null, '.supervisor/stopped': 'x' })
  await daemon.says(/r2: rejected: \.supervisor/)
  await remote.commit({ '.supervisor/stopped': null, 'supervisor.toml': 'x = 1\n' })
  await daemon.says(/the commit brings supervisor\.toml, and main has something of that name/)
  await remote.commit({ 'supervisor.toml': settings })
  await daemon.says(/r3: committed/)
  await remote.commit({ 'supervisor.toml': `${settings}\n[nonsense]\n` })
  await daemon.says(/r4: rejected: no daemon would start with these settings: .*nonsense/)
  await remote.commit({ 'supervisor.toml': `${settings}\n# mended\n` })
  await daemon.says(/r5: it brings settings: they are in force after ota-supervisor reload/)
  await daemon.says(/r5: committed/)
  await remote.commit({ 'supervisor.toml': null })
  await daemon.says(/r6: rejected: .*no release may bring or delete it/)
  assert.ok(readFileSync(join(dir, 'supervisor.toml'), 'utf8').endsWith('# mended\n'))
  assert.equal(git('status', '--porcelain'), '')
})

test('settings that run as root are not for who may push', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can run a program as another user')
  const checkout = await makeCheckout(t, { main: '.', settings: { program: { user: 'nobody' } } })
  const { dir, remote } = checkout
  chmodSync(dir, 0o755)
  writeFileSync(join(dir, '.git/info/exclude'), '*.log')
  const daemon = await startCheckout(t, checkout, /git: main is at/)
  const settings = readFileSync(join(dir, 'supervisor.toml'), 'utf8')
  await remote.commit({ 'supervisor.toml': settings })
  await daemon.says(/r1: rejected: supervisor\.toml: these are the settings of the daemon/)
  const hidden = readFileSync(join(dir, '.git/info/exclude'), 'utf8')
  assert.match(hidden, /^\*\.log\n\/\.supervisor\n/)
})

test('a deposit beside such a checkout, wherever it is named', async (t) => {
  const deposit = join(await makeFolder(t), 'drop')
  const checkout = await makeCheckout(t, { main: '.', settings: { folders: { deposit } } })
  const daemon = await startCheckout(t, checkout)
  const put = (name: string, text: string) => {
    writeFileSync(join(deposit, `.in.${name}`), text)
    renameSync(join(deposit, `.in.${name}`), join(deposit, name))
  }
  put('main.py', programSaying('uploaded'))
  await passes(daemon, 'r1', /uploaded/)
  put('supervisor.toml', '[trial]\ntime = "1s"\n')
  await daemon.says(/r2: rejected: supervisor\.toml: these are the settings of the daemon/)
})
