import assert from 'node:assert/strict'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Status } from '../../src/control/status.ts'
import type { Install } from '../../src/self/install.ts'
import { currentOf } from '../../src/self/records.ts'
import { disk } from '../../src/system/disk.ts'
import { runSupervisor } from '../harness/command.ts'
import { startDaemon } from '../harness/daemon.ts'
import { makeProject, writeTree } from '../harness/project.ts'
import { fillDisk, mountSmallDisk, noSmallDisk } from '../harness/small-disk.ts'
import { makeFolder } from '../harness/tools.ts'
import { untilNothing } from '../harness/until.ts'
import {
  type Behaviour,
  builtVersion,
  lastStarted,
  makeInstall,
  packVersion,
  startLaunched,
} from '../harness/versions.ts'

/** A daemon that exchanges itself: a real launcher, real versions, and a loop that stands for systemd. */

/** It will not run while this file lies in the project. */
const program = `import os, time
if os.path.exists("../broken"): raise SystemExit(1)
print("the program runs", flush=True)
while True: time.sleep(0.2)
`

type World = { readonly dir: string; readonly install: Install; readonly shelf: string }

/** A project whose daemon finds these packages. `on`: the folder of the installation, else a new one. */
async function makeWorld(
  t: TestContext,
  settings: Readonly<Record<string, unknown>>,
  packages: Readonly<Record<string, Behaviour>>,
  on?: string,
): Promise<World> {
  const shelf = await makeFolder(t)
  for (const [version, behaviour] of Object.entries(packages)) {
    await packVersion(shelf, version, behaviour)
  }
  const own = { from: shelf, stay: '1500ms', tick: '30ms', retry: '200ms', ...settings }
  const dir = await makeProject(t, { self_update: own })
  await writeTree(dir, { 'main/main.py': program })
  return { dir, install: await makeInstall(t, undefined, on), shelf }
}

async function statusOf(dir: string): Promise<Status> {
  return JSON.parse((await runSupervisor(['status', '--json'], dir)).stdout) as Status
}

/** Waits until the daemon that runs is of this version. */
async function untilVersion(dir: string, version: string): Promise<void> {
  await untilNothing(async () => {
    const { stdout } = await runSupervisor(['status', '--json'], dir)
    const running = (JSON.parse(stdout || '{}') as Partial<Status>).daemon?.version
    return running === version ? null : `version ${running} runs, not ${version}`
  })
}

test('auto: a newer version is tried out, started, watched and kept', async (t) => {
  const { dir, install } = await makeWorld(t, { mode: 'auto', stay: '3s' }, { '0.2.0': 'good' })
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/self-update: version 0\.2\.0 is fetched and tried out/)
  await daemon.says(/self-update: version 0\.2\.0 is ready: the daemon ends/)
  await daemon.says(/stopped for version 0\.2\.0/)
  await daemon.says(/ota-supervisor 0\.2\.0 in /)
  await Promise.all([daemon.says(/the program runs/), daemon.says(/0\.2\.0 is on trial for/)])
  await daemon.says(/self-update: version 0\.2\.0 is kept/)
  await daemon.says(/self-update: 0\.2\.0 is the newest version/)
  assert.equal(currentOf(install), '0.2.0')
  assert.deepEqual(disk.list(install.releases), [builtVersion, '0.2.0'])
  assert.deepEqual(
    [install.pending, install.tries, install.before].map((path) => disk.kind(path)),
    [null, null, null],
  )
  const { selfUpdate } = await statusOf(dir)
  assert.deepEqual(
    [selfUpdate?.version, selfUpdate?.newest, selfUpdate?.onTrialSince, selfUpdate?.lastFailed],
    ['0.2.0', '0.2.0', null, null],
  )
  assert.match((await runSupervisor(['status'], dir)).stdout, /^version +0\.2\.0\n/m)
})

for (const behaviour of ['crashes', 'stays a while'] as const) {
  test(`auto: a version that ${behaviour} has two starts, and is not tried again`, async (t) => {
    const { dir, install } = await makeWorld(t, { mode: 'auto' }, { '0.2.0': behaviour })
    const daemon = await startLaunched(t, dir, install)
    for (const _ of [1, 2]) await daemon.says(new RegExp(`this version ${behaviour}`))
    await daemon.says(/0\.2\.0 did not stay up, in 2 starts: back to 0\.1\.0/)
    await daemon.says(/ota-supervisor 0\.1\.0 in /)
    await daemon.says(/self-update: version 0\.2\.0 was tried at .* did not stay up/)
    await daemon.says(/self-update: version 0\.2\.0 was tried and did not pass/)
    assert.equal(currentOf(install), builtVersion)
    assert.deepEqual(disk.list(install.releases), [builtVersion])
    const { selfUpdate } = await statusOf(dir)
    assert.equal(selfUpdate?.lastFailed?.version, '0.2.0')
    assert.match(selfUpdate?.waitingFor ?? '', /did not pass/)
  })
}

test('auto: a version that hangs at its start is killed, as systemd does it, and goes', async (t) => {
  const { dir, install } = await makeWorld(t, { mode: 'auto' }, { '0.2.0': 'hangs' })
  const daemon = await startLaunched(t, dir, install)
  for (const _ of [1, 2]) {
    await daemon.says(/this version hangs/)
    process.kill(lastStarted(daemon), 'SIGKILL')
  }
  await daemon.says(/back to 0\.1\.0/)
  await daemon.says(/the program runs/)
})

test('auto: a version with which the programs do not come back goes back by itself', async (t) => {
  const { dir, install } = await makeWorld(
    t,
    // Long enough for a slow Python to come to its end.
    { mode: 'auto', stay: '4s' },
    { '0.2.0': 'keeps programs down' },
  )
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/the program runs/)
  await daemon.says(/version 0\.2\.0 is on trial/)
  await daemon.says(/version 0\.2\.0: not all programs came back with it .* Back to 0\.1\.0/)
  await daemon.says(/ota-supervisor 0\.1\.0 in /)
  await daemon.says(/version 0\.2\.0 was tried at .* not all programs came back/)
  assert.equal(currentOf(install), builtVersion)
})

test('of many projects all must come back; each is restarted once', async (t) => {
  const { dir, install } = await makeWorld(
    t,
    // Long enough for a slow Python to come to its end.
    { mode: 'auto', stay: '4s' },
    { '0.2.0': 'keeps programs down' },
  )
  const settings = await readFile(join(dir, 'supervisor.toml'), 'utf8')
  await writeFile(join(dir, 'supervisor.toml'), `${settings}\n[projects.roof]\n[projects.yard]\n`)
  await writeTree(dir, {
    'roof/main/main.py': program.replace('../broken', '../nothing'),
    'yard/main/main.py': program.replace('../broken', '../../broken'),
  })
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/version 0\.2\.0 is on trial/)
  await daemon.says(/not all programs came back with it \([^,]*\/yard\)\. Back to 0\.1\.0/)
  await daemon.says(/version 0\.2\.0 was tried at .* not all programs came back/)
  const { stdout } = await runSupervisor(['status'], dir)
  assert.match(stdout, /^roof +RUNNING.*^version +0\.1\.0\n/ms)
  const checked = await runSupervisor(['self-update', '--check'], dir)
  assert.match(checked.stderr, /0\.2\.0 was tried and did not pass/)
  assert.equal(daemon.output().match(/roof.*the program runs/g)?.length, 3)
})

test('kill -9 at any moment of an exchange leaves a daemon that goes on with it', async (t) => {
  const { dir, install } = await makeWorld(t, { mode: 'auto', stay: '3s' }, { '0.2.0': 'good' })
  const daemon = await startLaunched(t, dir, install)
  // In the fetch and the trying out, at the switch, and in the trial.
  for (const moment of [
    /is fetched and tried out/,
    /is ready: the daemon ends/,
    /0\.2\.0 is on trial/,
  ]) {
    await daemon.says(moment)
    process.kill(lastStarted(daemon), 'SIGKILL')
  }
  await daemon.says(/self-update: version 0\.2\.0 is kept/)
  assert.equal(currentOf(install), '0.2.0')
})

test('a release under way is waited for', async (t) => {
  const { dir, install } = await makeWorld(t, { mode: 'auto', every: '300ms' }, {})
  await writeFile(
    join(dir, 'supervisor.toml'),
    `[trial]\ntime = "6s"\n[deposit]\nquiet = "50ms"\n[self_update]\nmode = "auto"\nfrom = "shelf"\nevery = "300ms"\nretry = "300ms"\nretry_max = "300ms"\nstay = "3s"\ntick = "30ms"\n`,
  )
  await mkdir(join(dir, 'aside'))
  await packVersion(join(dir, 'aside'), '0.2.0')
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/the program runs/)
  await writeTree(dir, { 'deposit/main.py': `${program}# another\n` })
  await daemon.says(/r1: applied/)
  await rename(join(dir, 'aside'), join(dir, 'shelf'))
  await daemon.says(/0\.2\.0 is fetched and tried out/)
  await daemon.says(/r1: committed/)
  // Not "is ready": that may be said in the moment before the outcome is.
  await daemon.says(/session 1 ended .*stopped for version 0\.2\.0/)
  await untilVersion(dir, '0.2.0')
})

test('notify: it only tells; by hand it is done, also a lower version if that is forced', async (t) => {
  const { dir, install, shelf } = await makeWorld(
    t,
    { mode: 'notify', stay: '3s' },
    { '0.2.0': 'good' },
  )
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/version 0\.2\.0 is there .*; to install it: ota-supervisor self-update/)
  const told = await runSupervisor(['status'], dir)
  assert.match(
    told.stdout,
    /version +0\.1\.0\n +0\.2\.0 is there; at once: ota-supervisor self-update/,
  )
  const checked = await runSupervisor(['self-update', '--check'], dir)
  assert.match(checked.stdout, /^version 0\.2\.0 is there/)
  const done = await runSupervisor(['self-update'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /^version 0\.2\.0 is ready: the daemon ends, .* On trial for 3 s/)
  await daemon.says(/version 0\.2\.0 is kept/)

  await writeFile(join(shelf, 'SHA256SUMS'), '')
  await packVersion(shelf, '0.1.5')
  const lower = await runSupervisor(['self-update'], dir)
  assert.equal(lower.code, 1)
  assert.match(lower.stderr, /newest version there is 0\.1\.5 .* lower than this one\n.*--force/s)
  assert.equal((await runSupervisor(['self-update', '--force'], dir)).code, 0)
  await daemon.says(/version 0\.1\.5 is kept/)
})

test('a daemon that was not installed for it tells how, and is never exchanged', async (t) => {
  const { dir } = await makeWorld(t, { mode: 'auto' }, { '0.2.0': 'good' })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/mode = "auto" works like "notify" here.*\n.*service install/)
  await daemon.says(/version 0\.2\.0 is there/)
  const refused = await runSupervisor(['self-update'], dir)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /cannot exchange itself/)
  assert.equal(await daemon.end(), 0)
})

test('what cannot work here is refused before anything is switched', async (t) => {
  const { dir, install, shelf } = await makeWorld(t, { mode: 'notify' }, {})
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/the program runs/)
  const refusal = async () => {
    const { code, stderr } = await runSupervisor(['self-update'], dir)
    assert.equal(code, 1)
    return stderr
  }
  assert.match(await refusal(), /SHA256SUMS/)
  await packVersion(shelf, '0.2.0')
  await writeFile(join(shelf, 'ota-supervisor-0.2.0.tgz'), 'another')
  assert.match(await refusal(), /does not have the sum/)
  const list = join(shelf, 'SHA256SUMS')
  await writeFile(list, '')
  await packVersion(shelf, '0.4.0', 'does not load')
  assert.match(
    await refusal(),
    /0\.4\.0 cannot work here \(version\): exit code 1\n.*not on this machine/s,
  )
  assert.equal(currentOf(install), builtVersion)
  assert.deepEqual(disk.list(install.releases), [builtVersion])
  assert.equal((await statusOf(dir)).program.state, 'RUNNING')
})

const onSmallDisk = noSmallDisk()

test('a full disk is named, and with room it goes on', { skip: onSmallDisk }, async (t) => {
  const small = mountSmallDisk(t, 'size=32m')
  const { dir, install } = await makeWorld(t, { mode: 'notify' }, { '0.2.0': 'good' }, small)
  const daemon = await startLaunched(t, dir, install)
  // While it looks itself, it is at work.
  await Promise.all([daemon.says(/the program runs/), daemon.says(/version 0\.2\.0 is there/)])
  const makeRoom = fillDisk(small)
  const refused = await runSupervisor(['self-update'], dir)
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /the disk of \S+ is full\n.*make room, then: ota-supervisor self-update/s,
  )
  makeRoom()
  assert.equal((await runSupervisor(['self-update'], dir)).code, 0)
  await daemon.says(/version 0\.2\.0 is kept/)
})
