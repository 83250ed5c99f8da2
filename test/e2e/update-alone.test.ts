import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCheckout, programSaying } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { startDaemon } from '../harness/daemon.ts'
import { readHistory } from '../harness/deposit.ts'
import { programsOf } from '../harness/processes.ts'
import { ampleTrial } from '../harness/trial.ts'

/** `update` where no daemon runs: for cron, and for hands. */

const noDelay = { random_delay: '0ms' }

test('without a daemon an update applies a commit; the next daemon starts it, and its trial', async (t) => {
  const checkout = await makeCheckout(t, { main: '.', settings: ampleTrial, git: noDelay })
  const { dir, remote, git } = checkout
  const update = (...args: readonly string[]) =>
    runSupervisor(['update', ...args], dir, { HOME: dir })
  const nothing = await update()
  assert.equal(nothing.code, 0, nothing.stderr)
  assert.match(nothing.stdout, /^main is at [0-9a-f]{9}, as main of origin\n$/)
  const commit = await remote.commit({ 'main.py': programSaying('second') })
  const found = await update()
  assert.equal(found.code, 0, found.stderr)
  assert.match(found.stdout, /r1: applied; main\.py is not started without the daemon/)
  assert.equal(git('rev-parse', 'HEAD'), commit)
  assert.deepEqual(await programsOf(dir), [])
  assert.match((await update()).stdout, /main is at/)
  // A bad one on top: together they are on trial, and together they go.
  await remote.commit({ 'main.py': 'raise SystemExit(3)\n' })
  assert.equal((await update('--now')).code, 0)
  const daemon = await startDaemon(t, dir, { HOME: dir })
  await daemon.says(/r2: its trial goes on \(start 1 of 3\)/)
  // What it prints comes when it comes.
  await Promise.all([
    daemon.says(/r0 out +first/),
    daemon.says(/r2: rolled back/),
    daemon.says(/r1: rolled back/),
  ])
  assert.equal(git('status', '--porcelain'), '')
  const results = (await readHistory(dir)).map(({ id, result }) => `${id} ${result}`)
  assert.deepEqual(results, ['r2 rolled-back', 'r1 rolled-back'])
})

test('it exits by the outcome, waits for the random delay, and asks a daemon that runs', async (t) => {
  const checkout = await makeCheckout(t, {
    settings: { program: { after_update: ['grep', '-q', 'good', 'main/main.py'] } },
    git: { random_delay: '300ms', random_delay_min: '200ms' },
  })
  const { dir, remote, git } = checkout
  const update = (...args: readonly string[]) =>
    runSupervisor(['update', ...args], dir, { HOME: dir })
  await remote.commit({ 'main.py': '# good\n' })
  const good = await update('--json')
  assert.equal(good.code, 0, good.stderr)
  assert.match(
    good.stderr,
    /looking at the remote in (2\d\d|300) ms \(random_delay\)\. At once: update --now/,
  )
  assert.equal(JSON.parse(good.stdout).result, 'committed')
  const head = git('rev-parse', 'HEAD')
  await remote.commit({ 'main.py': '# bad\n' })
  const bad = await update('--now')
  assert.equal(bad.code, 1)
  assert.equal(bad.stderr, '')
  assert.match(bad.stdout, /r2: rolled back: .*grep .* ended with exit code 1/)
  assert.equal(git('rev-parse', 'HEAD'), head)
  await remote.commit({ 'main.py': 'def broken(:\n' })
  const broken = await update('--now')
  assert.equal(broken.code, 1)
  assert.match(broken.stdout, /r3: rejected: main\.py, line 1/)
  const again = await update('--now')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /was tried as r3 and did not pass/)
  git('remote', 'set-url', 'origin', join(dir, 'nowhere'))
  assert.match((await update('--now')).stderr, /the remote says no/)
  git('remote', 'set-url', 'origin', remote.dir)
  const daemon = await startDaemon(t, dir, { HOME: dir })
  await daemon.says(/was tried as r3/)
  await remote.commit({ 'main.py': '# good again\n' })
  const asked = await update()
  assert.equal(asked.code, 0, asked.stderr)
  assert.equal(asked.stderr, '', 'a daemon looks at once')
})

test('killed at any moment, the next update goes on; where git is not used, nothing is made', async (t) => {
  const settings = { program: { after_update: 'nothing' } }
  const checkout = await makeCheckout(t, { main: '.', settings, git: noDelay })
  const { dir, remote, git } = checkout
  for (let kill = 1; kill <= 6; kill += 1) {
    await remote.commit({ 'data.txt': `${kill}\n`, [`f${kill}.py`]: 'A = 1\n' })
    const { spawn } = await import('node:child_process')
    const { supervisorJs, cleanEnvironment } = await import('../harness/daemon.ts')
    const child = spawn(process.execPath, [supervisorJs, 'update'], {
      cwd: dir,
      env: { ...cleanEnvironment(), HOME: dir },
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 500))
    child.kill('SIGKILL')
    await ended
  }
  const last = await runSupervisor(['update', '--now'], dir, { HOME: dir })
  assert.equal(last.code, 0, last.stderr + last.stdout)
  assert.equal(git('rev-parse', 'HEAD'), remote.git('rev-parse', 'HEAD'))
  assert.equal(git('status', '--porcelain'), '')
  const plain = await makeCheckout(t, { git: { remote: '' } })
  const off = await runSupervisor(['update'], plain.dir)
  assert.equal(off.code, 1)
  assert.match(off.stderr, /git is not used here/)
  assert.ok(!existsSync(join(plain.dir, '.supervisor')))
})
