import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Checkout, makeCheckout } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { cleanEnvironment, type Daemon, startDaemon } from '../harness/daemon.ts'
import { noIndex, packageSettings, pipSettings, slow } from '../harness/packages.ts'
import { makeParent, putCheckout, quickGit } from '../harness/parent.ts'
import { until } from '../harness/processes.ts'
import type { Settings } from '../harness/project.ts'
import { serveIndex } from '../harness/wheels.ts'

/** Projects whose program something else runs: `after_update` is anything but "restart". */

/** A command that somebody has written: what it was told is in `told`, and it does as the files say. */
const script = `#!/bin/sh
echo "$OTA_SUPERVISOR_RELEASE $(cat client.py)" >> "$1/told"
[ "$(git -C "$1" show HEAD:client.py)" = "$(cat client.py)" ] || echo 'HEAD is elsewhere' >> "$1/told"
case "$(cat client.py)" in *bad*) echo "it does not like it" >&2; exit 7;; esac
while [ -e "$1/hang" ]; do sleep 0.05; done
`

type Elsewhere = Checkout & {
  /** What the command was told so far. */
  readonly told: () => string[]
  readonly hang: (is: boolean) => void
}

/** A connector, fed by git, whose unit is a script outside of it. */
async function makeElsewhere(
  t: TestContext,
  settings: Settings = {},
  files: Record<string, string> = {},
): Promise<Elsewhere> {
  const { git: gitSettings = {}, ...others } = settings
  const checkout = await makeCheckout(t, {
    main: '.',
    git: gitSettings,
    files: { 'client.py': '# one\n', ...files },
    settings: {
      ...others,
      program: { after_update: ['./restart.sh', '.'], ...settings['program'] },
    },
  })
  const { dir, git } = checkout
  await checkout.remote.commit({ 'main.py': null })
  git('pull', '-q')
  writeFileSync(join(dir, 'restart.sh'), script)
  chmodSync(join(dir, 'restart.sh'), 0o755)
  const told = join(dir, 'told')
  const hang = join(dir, 'hang')
  writeFileSync(join(dir, '.git/info/exclude'), 'restart.sh\ntold\nhang\nbin\npip-cache\n*.json\n')
  return {
    ...checkout,
    told: () => (existsSync(told) ? readFileSync(told, 'utf8').trimEnd().split('\n') : []),
    hang: (is) => (is ? writeFileSync(hang, '') : rmSync(hang, { force: true })),
  }
}

async function start(t: TestContext, { dir }: Checkout, env: object = {}): Promise<Daemon> {
  const daemon = await startDaemon(t, dir, { HOME: dir, ...env })
  await daemon.says(/git: /)
  return daemon
}

test('a command restarts what something else runs; when it fails, the old version is restarted', async (t) => {
  const checkout = await makeElsewhere(t)
  const { dir, remote, git, told } = checkout
  const daemon = await start(t, checkout)
  assert.deepEqual(told(), [], 'nothing is new yet')
  const good = await remote.commit({ 'client.py': '# two\n' })
  await daemon.says(/r1: applied\n/)
  await daemon.says(/r1: committed/)
  assert.deepEqual(told(), ['r1 # two'])
  await remote.commit({ 'client.py': '# bad\n' })
  await daemon.says(/r2 err +it does not like it/)
  await daemon.says(
    /r2: rolled back: .*restart\.sh .* ended with exit code 7\. It said last: it does/,
  )
  assert.deepEqual(told(), ['r1 # two', 'r2 # bad', 'r1 # two'])
  assert.equal(git('rev-parse', 'HEAD'), good)
  await remote.commit({ 'client.py': 'def broken(:\n' })
  await daemon.says(/r3: rejected: client\.py, line 1/)
  assert.equal(told().length, 3)
  // Orders about a program that is not the daemon's make no sense; going back does.
  for (const verb of ['start', 'stop', 'restart']) {
    const refused = await runSupervisor([verb], dir)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /the daemon runs no program in this project/)
  }
  assert.equal((await runSupervisor(['rollback'], dir)).code, 0)
  assert.deepEqual(told().slice(3), ['r0 # one'])
  const { stdout } = await runSupervisor(['status', '--json'], dir)
  assert.equal(JSON.parse(stdout).program.state, 'ELSEWHERE')
  assert.equal(git('status', '--porcelain'), '')
})

test('killed during the command, the road goes on where it was', async (t) => {
  const checkout = await makeElsewhere(t)
  const { dir, remote, git, told, hang } = checkout
  const first = await start(t, checkout)
  hang(true)
  await remote.commit({ 'client.py': '# two\n' })
  await first.says(/r1: after the update/)
  await until('it is told', () => told().length === 1)
  assert.equal(await first.end('SIGKILL'), 'SIGKILL')
  hang(false)
  const second = await startDaemon(t, dir, { HOME: dir })
  await second.says(/r1: its trial goes on/)
  await second.says(/r1: committed/)
  // On the way back too: what runs is told of the old version until that was heard.
  const before = git('rev-parse', 'HEAD')
  hang(true)
  await remote.commit({ 'client.py': '# bad\n' })
  await second.says(/r2: going back/)
  await until('it is told of the old version', () => told().length === 4)
  assert.equal(await second.end('SIGKILL'), 'SIGKILL')
  hang(false)
  const third = await startDaemon(t, dir, { HOME: dir })
  await third.says(/r2: rolled back/)
  assert.deepEqual(told().slice(2), ['r2 # bad', 'r1 # two', 'r1 # two'])
  assert.equal(git('rev-parse', 'HEAD'), before)
  assert.equal(git('status', '--porcelain'), '')
})

test('a command that takes too long, and one after which the health check fails', async (t) => {
  const checkout = await makeElsewhere(t, {
    program: { after_update_deadline: '3s' },
    health: {
      command: ['grep', '-q', 'well', 'client.py'],
      start_period: '0ms',
      start_interval: '50ms',
    },
  })
  const { remote, hang } = checkout
  const daemon = await start(t, checkout)
  await remote.commit({ 'client.py': '# well\n' })
  await daemon.says(/main\.py is healthy/)
  await daemon.says(/r1: committed/)
  await remote.commit({ 'client.py': '# ill\n' })
  await daemon.says(/r2: rolled back: the program failed 3 health checks in a row/)
  hang(true)
  await remote.commit({ 'client.py': '# well, but slow\n' })
  await daemon.says(/r3: rolled back: .*restart\.sh .* was ended: it took longer than 3 s/)
})

test('the environment of what something else runs is where the link leads', async (t) => {
  const widget = (version: string) => ({ name: 'widget', version })
  const index = await serveIndex(t, [widget('1.0'), widget('2.0')])
  const checkout = await makeElsewhere(t, packageSettings)
  const { dir, remote } = checkout
  const env = { ...pipSettings(dir, index.url), HOME: dir }
  const daemon = await start(t, checkout, env)
  const link = join(dir, '.supervisor/environment')
  assert.ok(existsSync(join(link, 'bin/python')), 'there is a Python without packages too')
  await remote.commit({ gupfile: 'widget,1.0\n' })
  await daemon.says(/r1: committed/, slow)
  const one = readlinkSync(link)
  assert.match(one, /environments\/[0-9a-f]{16}$/)
  await remote.commit({ gupfile: 'widget,2.0\n', 'client.py': '# bad\n' })
  await daemon.says(/r2: rolled back/, slow)
  assert.equal(readlinkSync(link), one)
  await remote.commit({ gupfile: 'widget,2.0\n', 'client.py': '# three\n' })
  await daemon.says(/r3: committed/, slow)
  assert.notEqual(readlinkSync(link), one)
  assert.equal(await daemon.end(), 0)
  // What a power cut, or somebody, has made of the link is put right by the next start.
  rmSync(link)
  await start(t, checkout, { ...env, ...pipSettings(dir, noIndex) })
  assert.notEqual(readlinkSync(link), one)
})

/** A shutdown(8) that writes down how it was called; while `refuse` is there it fails. */
function putShutdown({ dir }: { readonly dir: string }) {
  const bin = join(dir, '.supervisor/bin')
  const [orders, refuse] = [join(bin, 'orders'), join(bin, 'refuse')]
  const text = `#!/bin/sh\necho "$*" >> ${orders}\n[ ! -e ${refuse} ] || { echo no >&2; exit 1; }\n`
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'shutdown'), text)
  chmodSync(join(bin, 'shutdown'), 0o755)
  return {
    env: { PATH: `${bin}:${cleanEnvironment()['PATH']}` },
    orders: () => (existsSync(orders) ? readFileSync(orders, 'utf8').trimEnd().split('\n') : []),
    refuse: (is: boolean) => (is ? writeFileSync(refuse, '') : rmSync(refuse)),
  }
}

test('a reboot is announced once, also after a kill; and left out with --now', async (t) => {
  const checkout = await makeElsewhere(t, {
    program: { after_update: 'reboot', reboot_delay: '90s' },
    git: { every: '1h' },
  })
  const { dir, remote } = checkout
  const { env, orders, refuse } = putShutdown(checkout)
  const record = join(dir, '.supervisor/reboot.json')
  const first = await start(t, checkout, env)
  await remote.commit({ 'client.py': '# two\n' })
  const updated = await runSupervisor(['update'], dir)
  assert.equal(updated.code, 0, updated.stderr)
  await first.says(/r1: the machine is rebooted in 2 minutes\. To cancel it: sudo shutdown -c/)
  assert.equal(orders().length, 1)
  assert.match(orders()[0] ?? '', /^-r \+2 ota-supervisor: reboot for r1 in .*shutdown -c$/)
  await first.end('SIGKILL')
  const second = await start(t, checkout, env)
  await remote.commit({ 'client.py': '# three\n' })
  await runSupervisor(['update', '--now'], dir)
  await second.says(/r2: no reboot, as it was asked for with --now/)
  await second.says(/r2: committed/)
  assert.equal(orders().length, 1)
  // It cannot be ordered now: it is not forgotten.
  refuse(true)
  await remote.commit({ 'client.py': '# four\n' })
  await runSupervisor(['update'], dir)
  await second.says(/r3: the machine could not be rebooted, and must be, by hand: .*: no/)
  await second.end('SIGKILL')
  refuse(false)
  const third = await startDaemon(t, dir, { HOME: dir, ...env })
  await third.says(/r3: the machine is rebooted in 2 minutes/)
  assert.equal(orders().length, 3)
  await third.end()
  // The machine was booted since.
  const noted = JSON.parse(readFileSync(record, 'utf8'))
  writeFileSync(record, JSON.stringify({ ...noted, bootId: 'another', isOrdered: false }))
  await start(t, checkout, env)
  assert.ok(!existsSync(record))
  assert.equal(orders().length, 3)
})

test('a reboot waits until no other project is in the midst of a release; without a daemon, until all is over', async (t) => {
  const main = { folders: { main: '.' }, git: quickGit }
  const wait = ['sh', '-c', 'until [ -e go ]; do sleep 0.05; done']
  const members = {
    quick: { sections: { ...main, program: { after_update: 'reboot' } } },
    slow: { sections: { ...main, program: { after_update: wait } } },
  }
  const dir = await makeParent(t, members, { git: { random_delay: '0ms' } })
  const quick = await putCheckout(t, dir, 'quick')
  const slow = await putCheckout(t, dir, 'slow')
  const { env, orders } = putShutdown({ dir })
  const go = join(dir, 'slow/go')
  writeFileSync(join(dir, 'slow/.git/info/exclude'), 'go\n')
  const commit = (text: string) =>
    Promise.all([quick, slow].map((one) => one.commit({ data: text })))
  const daemon = await startDaemon(t, dir, { HOME: dir, ...env })
  await daemon.says(/\[slow\] supervisor +git: main is at/)
  await slow.commit({ data: 'one' })
  await daemon.says(/\[slow\] supervisor +r1: after the update/)
  await quick.commit({ data: 'one' })
  await daemon.says(/\[quick\] supervisor +r1: committed/)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(orders(), [])
  writeFileSync(go, '')
  await daemon.says(/\[quick\] .*r1: the machine is rebooted in/)
  assert.equal(orders().length, 1)
  await daemon.end()
  await commit('two')
  const now = await runSupervisor(['update', '--now'], dir, { HOME: dir, ...env })
  assert.equal(now.code, 0, now.stderr)
  assert.equal(orders().length, 1)
  rmSync(go)
  await commit('three')
  const pass = runSupervisor(['update'], dir, { HOME: dir, ...env })
  const record = join(dir, 'quick/.supervisor/history.jsonl')
  await until('the quick one is committed', () => /"r3"/.test(readFileSync(record, 'utf8')))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(orders().length, 1)
  writeFileSync(go, '')
  assert.equal((await pass).code, 0)
  assert.equal(orders().length, 2)
})

test('with "nothing" a commit is taken, and that is all', async (t) => {
  const checkout = await makeElsewhere(t, { program: { after_update: 'nothing' } })
  const { remote, told } = checkout
  const daemon = await start(t, checkout)
  await remote.commit({ 'client.py': '# two\n' })
  await daemon.says(/r1: committed/)
  assert.deepEqual(told(), [])
})
