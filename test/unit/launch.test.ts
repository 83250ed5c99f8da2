import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Install, installAt } from '../../src/self/install.ts'
import {
  currentOf,
  goBack,
  keepVersion,
  readFailed,
  readPending,
  switchTo,
} from '../../src/self/records.ts'
import { disk } from '../../src/system/disk.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { dyingDisk, PowerCut } from '../harness/dying-disk.ts'
import { makeFolder } from '../harness/tools.ts'
import { launcherPath } from '../harness/versions.ts'

/** The launcher, run by a real sh, with versions that only tell which they are. */

const [old, fresh] = ['1.0.0', '1.1.0']
const pending = { version: fresh, previous: old }

async function makeInstall(t: TestContext): Promise<Install> {
  const install = installAt(join(await makeFolder(t), 'an install'))
  for (const version of [old, fresh]) {
    const dist = join(install.releases, version, 'dist')
    await mkdir(dist, { recursive: true })
    const tells = `console.log('${version}', process.env.OTA_SUPERVISOR_LAUNCHED == process.pid, process.argv[2])`
    await writeFile(join(dist, 'supervisor.js'), tells)
  }
  await cp(launcherPath, install.launch)
  await symlink(`releases/${old}`, install.current)
  return install
}

/** Which version the launcher starts; null: none. */
function start({ launch }: Install): string | null {
  const args = [launch, process.execPath, 'an argument']
  const { status, stdout } = spawnSync('sh', args, { env: cleanEnvironment(), encoding: 'utf8' })
  const [, version = null] = /^(\S+) true an argument\n$/.exec(stdout) ?? []
  assert.equal(status === 0, version !== null)
  return version
}

test('it becomes the current version, which can tell who started it', async (t) => {
  const install = await makeInstall(t)
  assert.equal(start(install), old)
})

test('a new version has two starts; then the one before it is back, and it is noted', async (t) => {
  const install = await makeInstall(t)
  await switchTo(pending, {}, install, disk)
  assert.deepEqual([start(install), start(install), start(install)], [fresh, fresh, old])
  assert.equal(currentOf(install), old)
  assert.equal(await readPending(install, disk), null)
  const [failed, ...others] = await readFailed(install, disk)
  assert.deepEqual([failed?.version, others.length], [fresh, 0])
  assert.match(failed?.why ?? '', /did not stay up, in 2 starts/)
  assert.ok(Math.abs(Date.parse(failed?.at ?? '') - Date.now()) < 60_000)
  // What was counted before does not count for the next.
  await switchTo(pending, {}, install, disk)
  assert.deepEqual([start(install), start(install), start(install)], [fresh, fresh, old])
})

test('a version that is kept is not counted any more, and only the one before it stays', async (t) => {
  const install = await makeInstall(t)
  await mkdir(join(install.releases, '0.9.0'))
  await switchTo(pending, {}, install, disk)
  assert.equal(start(install), fresh)
  await keepVersion(pending, install, disk)
  assert.deepEqual(
    [1, 2, 3].map(() => start(install)),
    [fresh, fresh, fresh],
  )
  assert.deepEqual(disk.list(install.releases), [old, fresh])
})

const halfStates: Readonly<
  Record<string, readonly [(install: Install) => Promise<unknown>, string]>
> = {
  'the counter is empty': [({ tries }) => writeFile(tries, ''), fresh],
  'the counter is nonsense': [({ tries }) => writeFile(tries, 'x -ge 1'), fresh],
  'the counter cannot be written': [
    ({ tries }) => mkdir(join(tries, 'in the way'), { recursive: true }),
    old,
  ],
  'the new version is gone': [
    ({ releases }) => rm(join(releases, fresh), { recursive: true }),
    old,
  ],
  'the new version is not whole': [
    ({ releases }) => rm(join(releases, fresh, 'dist/supervisor.js')),
    old,
  ],
  'the old version is gone': [
    ({ releases }) => rm(join(releases, old), { recursive: true }),
    fresh,
  ],
  'the link is gone': [({ current }) => rm(current), old],
  'the link leads nowhere': [
    ({ current }) => rm(current).then(() => symlink('releases/9.9.9', current)),
    old,
  ],
  'the link leads out': [({ current }) => rm(current).then(() => symlink('/tmp', current)), old],
  'what is pending is empty': [({ pending }) => writeFile(pending, ''), fresh],
  'what is pending is cut off': [({ pending }) => writeFile(pending, fresh), fresh],
  'what is pending leads out': [
    ({ pending }) => writeFile(pending, `${fresh}\n../../tmp\n`),
    fresh,
  ],
  'a link of a cut off flip is left': [
    ({ current }) => symlink('releases/9.9.9', `${current}.new`),
    fresh,
  ],
}

for (const [name, [forge, expected]] of Object.entries(halfStates)) {
  test(`${name}: a version is started all the same`, async (t) => {
    const install = await makeInstall(t)
    await switchTo(pending, {}, install, disk)
    await forge(install)
    assert.equal(start(install), expected)
    assert.ok(start(install) !== null)
  })
}

test('without any version it says so', async (t) => {
  const install = await makeInstall(t)
  await rm(install.releases, { recursive: true })
  assert.equal(start(install), null)
})

for (const [name, change, ends] of [
  ['a switch', (install: Install, on = disk) => switchTo(pending, {}, install, on), fresh],
  [
    'a way back',
    (install: Install, on = disk) =>
      goBack(pending, { why: 'it was bad', at: new Date(0) }, install, on),
    old,
  ],
] as const) {
  test(`${name} that is cut off at any step leaves a version that starts`, async (t) => {
    for (const cut of ['clean', 'torn'] as const) {
      for (let step = 1, isDone = false; !isDone; step += 1) {
        const install = await makeInstall(t)
        if (ends === old) await switchTo(pending, {}, install, disk)
        const dying = dyingDisk(step, cut)
        isDone = await change(install, dying.disk).then(
          () => true,
          (error: unknown) => {
            if (error instanceof PowerCut) return false
            throw error
          },
        )
        const started = start(install)
        assert.ok([old, fresh].includes(started ?? ''), `${cut} ${step}: ${started}`)
        // The second time around it comes to its end, from wherever it was cut off.
        await change(install)
        assert.equal(start(install), ends, `${cut} ${step}`)
        assert.ok(step < 50)
      }
    }
  })
}

test('what goes back is told by one line, whatever it is', async (t) => {
  const install = await makeInstall(t)
  await switchTo(pending, {}, install, disk)
  await goBack(pending, { why: 'two\nlines', at: new Date(1_000) }, install, disk)
  assert.equal(await readFile(install.failed, 'utf8'), `${fresh} 1 two lines\n`)
  await writeFile(install.failed, `${fresh} 1 two lines\n${fresh} 12`)
  assert.deepEqual(await readFailed(install, disk), [
    { version: fresh, at: '1970-01-01T00:00:01.000Z', why: 'two lines' },
  ])
})
