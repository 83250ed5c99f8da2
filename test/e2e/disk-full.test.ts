import assert from 'node:assert/strict'
import { readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, passes, startDaemon } from '../harness/daemon.ts'
import { drop, readDeposit } from '../harness/deposit.ts'
import { programsOf, until } from '../harness/processes.ts'
import {
  makeProject,
  programPath,
  putProgram,
  readTree,
  type Settings,
  writeSettings,
  writeTree,
} from '../harness/project.ts'
import { logOf, outcomesOf } from '../harness/records.ts'
import {
  fillDisk,
  mountSmallDisk,
  noSmallDisk,
  resizeDisk,
  useUpInodes,
} from '../harness/small-disk.ts'
import { ampleTrial, makeTrialsAmple } from '../harness/trial.ts'

const skip = noSmallDisk()

/** What cannot be claimed is told with each try. */
const tellsAll = { deposit: { hold_log: '1ms' } }

/** A whole project on a small disk, with a program that runs. */
async function smallProject(
  t: TestContext,
  options: string,
  program: string,
  settings: Settings = {},
): Promise<string> {
  const dir = mountSmallDisk(t, options)
  await writeSettings(dir, settings)
  await putProgram(program, join(dir, 'main'))
  return dir
}

/** The program of r0 has been started once and no more, and is alone. */
async function runsOn(daemon: Daemon): Promise<void> {
  assert.equal(daemon.output().match(/main\.py started/g)?.length, 1, daemon.output())
  assert.equal((await programsOf(daemon.dir)).length, 1)
}

/** Given back between one try and the next; several times, to see that nothing is used up. */
async function triesToClaim(daemon: Daemon): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    await daemon.says(/ERROR: could not claim the deposit: .*ENOSPC/)
  }
}

/**
 * A running program, and an upload that comes when `fill` has used up the disk: it stays in the deposit.
 * `free` gives the space back.
 */
async function whileFull(
  t: TestContext,
  options: string,
  fill: (dir: string) => () => void,
): Promise<{ readonly daemon: Daemon; readonly free: () => void }> {
  const dir = await smallProject(t, options, 'good', tellsAll)
  await putProgram('says-goodbye', join(dir, 'upload'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  const free = fill(dir)
  await rename(join(dir, 'upload/main.py'), join(dir, 'deposit/main.py'))
  await triesToClaim(daemon)
  assert.deepEqual(Object.keys(await readDeposit(daemon)), ['main.py'])
  await runsOn(daemon)
  return { daemon, free }
}

test('a deposit larger than the disk of main stays, and is claimed when there is space', {
  skip,
}, async (t) => {
  const dir = await makeProject(t, tellsAll)
  const main = mountSmallDisk(t, 'size=4m', join(dir, 'main'))
  await putProgram('good', main)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  const upload = { 'a.txt': 'small', 'data/big.txt': 'x'.repeat(6_000_000), 'z.txt': 'last' }
  await drop(daemon, upload)
  await triesToClaim(daemon)
  await runsOn(daemon)
  resizeDisk(main, '16m')
  await daemon.says(/r\d+: committed/)
  const { 'main.py': _, ...rest } = await readMain(main)
  assert.deepEqual(rest, upload)
  assert.deepEqual(Object.keys(await readTree(join(dir, 'deposit'))), ['DEPOSIT-RESULT.txt'])
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await readdir(join(main, '.supervisor/releases')), [])
})

/** What is in main, apart from the state of the daemon. */
async function readMain(main: string): Promise<Record<string, string>> {
  const all = Object.entries(await readTree(main))
  return Object.fromEntries(all.filter(([path]) => !path.startsWith('.supervisor/')))
}

for (const how of ['mount', 'symbolic link'] as const) {
  test(`main on another file system than the deposit (${how}): commit, and roll back`, {
    skip,
  }, async (t) => {
    const dir = await makeProject(t)
    const main = join(dir, 'main')
    if (how === 'mount') mountSmallDisk(t, 'size=16m', main)
    else await symlink(mountSmallDisk(t, 'size=16m'), main)
    await writeTree(main, { 'data.txt': 'the program wrote this' })
    const daemon = await startDaemon(t, dir)
    await daemon.says(/No main\.py/)
    await drop(daemon, {
      'main.py': await readFile(programPath('good')),
      'pkg/one.txt': '1',
      'pkg/two.txt': '2',
    })
    await daemon.says(/r1: committed/)
    const good = await readMain(main)
    assert.deepEqual(Object.keys(good), ['data.txt', 'main.py', 'pkg/one.txt', 'pkg/two.txt'])
    await makeTrialsAmple(daemon)
    await drop(daemon, {
      'main.py': await readFile(programPath('crashes-at-once')),
      'pkg/one.txt': 'another 1',
      'new/three.txt': '3',
    })
    await Promise.all([daemon.says(/r2: rolled back/), daemon.says(/r1 out +good is up/)])
    assert.deepEqual(await readMain(main), good)
    assert.deepEqual(Object.keys(await readTree(join(main, '.supervisor/rejected/r2'))), [
      'REASON.txt',
      'files/main.py',
      'files/new/three.txt',
      'files/pkg/one.txt',
    ])
    assert.equal(await daemon.end(), 0)
  })
}

test('with little space left nothing is stopped; with space again the release is applied', {
  skip,
}, async (t) => {
  const dir = await smallProject(t, 'size=8m', 'good')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  const free = fillDisk(dir, 500_000)
  await putProgram('says-goodbye', join(dir, 'deposit'))
  await daemon.says(/r1: cannot be applied yet: only .* are free on the disk of main/)
  await runsOn(daemon)
  const { stdout } = await runSupervisor(['status', '--json'], dir)
  assert.match(JSON.parse(stdout).underWay[0].waitingFor, /cannot be applied yet: only .* are free/)
  free()
  await passes(daemon, 'r1', /tidy is up/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await outcomesOf(dir), ['r1 committed'])
})

test('a disk that is full while an upload is claimed: it stays in the deposit', {
  skip,
}, async (t) => {
  const { daemon, free } = await whileFull(t, 'size=8m', (dir) => fillDisk(dir))
  free()
  await passes(daemon, 'r\\d+', /tidy is up/)
  // Claims that could not even begin leave nothing behind.
  assert.deepEqual(await readdir(join(daemon.dir, '.supervisor/releases')), [])
  assert.equal(await daemon.end(), 0)
})

test('a disk without inodes: the upload stays, and is claimed when there are some', {
  skip,
}, async (t) => {
  const { daemon, free } = await whileFull(t, 'size=8m,nr_inodes=200', (dir) => useUpInodes(dir, 2))
  free()
  await passes(daemon, 'r\\d+', /tidy is up/)
  assert.equal(await daemon.end(), 0)
})

test('a disk that fills up during a trial: the program comes back, the outcome follows', {
  skip,
}, async (t) => {
  const dir = await smallProject(t, 'size=8m', 'good', ampleTrial)
  const before = await readFile(join(dir, 'main/main.py'), 'utf8')
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  await drop(daemon, { 'main.py': crashesWhenFull, 'new/data.txt': 'new' })
  await Promise.all([daemon.says(/r1: applied/), daemon.says(/r1 out +writer is up/)])
  const free = fillDisk(dir)
  await daemon.says(/r1: going back/)
  await daemon.says(/r0 out +good is up/)
  assert.equal(await readFile(join(dir, 'main/main.py'), 'utf8'), before)
  free()
  await until('the outcome is recorded', async () => (await outcomesOf(dir)).length > 0)
  assert.deepEqual(await outcomesOf(dir), ['r1 rolled-back'])
  assert.equal(await daemon.end(), 0)
  const kept = await readTree(join(dir, '.supervisor/rejected/r1'))
  assert.deepEqual(Object.keys(kept), ['REASON.txt', 'files/main.py', 'files/new/data.txt'])
})

/** Fails as soon as its disk is full: what it writes grows, for a file written anew brings its own space. */
const crashesWhenFull = `
import time
print("writer is up")
while True:
    time.sleep(0.02)
    with open("probe", "a") as file:
        file.write("x" * 10000)
`

test('a daemon that starts on a full disk runs the program all the same', { skip }, async (t) => {
  const dir = await smallProject(t, 'size=8m', 'good')
  const first = await startDaemon(t, dir)
  await first.says(/r0 out +good is up/)
  assert.equal(await first.end(), 0)
  // As it is after an earlier start on a full disk.
  await writeFile(join(dir, '.supervisor/lock'), '')
  const free = fillDisk(dir)
  const second = await startDaemon(t, dir)
  await second.says(/r0 out +good is up/)
  await runsOn(second)
  free()
  await putProgram('says-goodbye', join(dir, 'deposit'))
  await second.says(/r1: committed/)
  assert.equal(await second.end(), 0)
})

test('a log on a full disk goes on when there is space, and says how much is missing', {
  skip,
}, async (t) => {
  const dir = await smallProject(t, 'size=8m', 'ticks', {
    log: { max_pending: '20kB', retry: '50ms' },
  })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  const free = fillDisk(dir)
  // The console shows all: by then a good deal more is said than the log may keep in memory.
  const [, last] = await daemon.says(/tick (\d+) /)
  await daemon.says(new RegExp(`tick ${Number(last) + 600} `), 30_000)
  free()
  // Only a line behind the gap shows where it ends.
  const isTold = /could not be logged here[\s\S]*tick \d+ /
  await until('the log goes on', async () => isTold.test((await logOf(dir)).join('\n')))
  assert.equal(await daemon.end(), 0)
  const lines = await logOf(dir)
  const told = lines.map((line) => /WARNING: (\d+) lines? could not be logged here/.exec(line)?.[1])
  const missing = told.reduce((sum, count) => sum + Number(count ?? 0), 0)
  const numbers = lines.flatMap((line) => /tick (\d+) /.exec(line)?.[1] ?? []).map(Number)
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((one, other) => one - other),
  )
  const said = (numbers.at(-1) ?? 0) + 1
  const notes = lines.filter((line) => !/tick \d+ /.test(line)).join('\n')
  assert.equal(said - numbers.length, missing, `all that is missing is said to be:\n${notes}`)
  assert.match(lines.at(-1) ?? '', /session 1 ended after .*: stopped by SIGTERM$/)
})

test('a daemon whose log cannot be written ends all the same', { skip }, async (t) => {
  const dir = await smallProject(t, 'size=8m', 'ticks', { log: { close: '200ms' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/tick 10 /)
  fillDisk(dir)
  await daemon.says(/tick \d+ /)
  assert.equal(await daemon.end(), 0)
  assert.match(daemon.output(), /session 1 ended after .*: stopped by SIGTERM\n$/)
  assert.deepEqual(await programsOf(dir), [])
})
