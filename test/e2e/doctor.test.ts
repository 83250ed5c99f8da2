import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { afterwards } from '../harness/cleanup.ts'
import { pathWithout, runSupervisor } from '../harness/command.ts'
import {
  doctor,
  errorsOf,
  findingOf,
  paste,
  patience,
  run,
  wholeProject,
} from '../harness/examined.ts'
import { makeProject, programPath } from '../harness/project.ts'
import { fillDisk, mountSmallDisk, noSmallDisk } from '../harness/small-disk.ts'

const needsRoot = process.getuid?.() === 0 ? false : 'needs root: it mounts a file system'

/** Everything of a folder that a write would change. */
async function traces(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true })
  const all = names.sort().map(async (name) => {
    const { ino, size, mtimeMs, ctimeMs } = await lstat(join(dir, name))
    return [name, ino, size, mtimeMs, ctimeMs].join(' ')
  })
  return Promise.all(all)
}

test('a healthy project: no error, exit code 0, and nothing is touched', async (t) => {
  const dir = await wholeProject(t)
  const before = await traces(dir)
  const examined = await doctor(dir)
  assert.deepEqual(errorsOf(examined), [])
  assert.equal(examined.code, 0)
  for (const finding of examined.findings) {
    const { check, state, text, fix, ...rest } = finding
    assert.match(check, /^[a-z-]+$/)
    assert.ok(['ok', 'unknown', 'warning', 'error'].includes(state))
    assert.match(text, /^[^\n]+$/)
    assert.match(fix ?? 'none', /^[^\n]+$/)
    assert.deepEqual(rest, {})
  }
  const expected = ['node', 'python', 'python-venv', 'flock', 'sync', 'setpriv', 'ps', 'git']
  const alsoExpected = ['memory', 'clock', 'project', 'settings', 'daemon', 'leftovers', 'space']
  for (const check of [...expected, ...alsoExpected]) findingOf(examined, check)
  assert.deepEqual(await traces(dir), before)
})

test('in text a finding is a line for a narrow window, its mending command indented below', async (t) => {
  const dir = await wholeProject(t)
  const PATH = await pathWithout(t, 'setpriv', 'flock')
  const { code, stdout } = await runSupervisor(['doctor'], dir, { PATH })
  const lines = stdout.trimEnd().split('\n')
  assert.equal(code, 1)
  const at = lines.indexOf('ERROR flock is missing: the daemon cannot start')
  assert.ok(at > 0, stdout)
  if (lines[at + 1]?.startsWith(' '))
    assert.match(lines[at + 1] ?? '', /^ {6}.*apt install util-linux$/)
  assert.match(lines.at(-1) ?? '', /^1 error, \d+ warnings?, .*\d+ ok$/)
  const worst = ['ok', '?', 'warn', 'ERROR']
  const ranks = lines.slice(0, -1).flatMap((line) => {
    const mark = /^(\S+)/.exec(line)?.[1]
    return mark === undefined ? [] : [worst.indexOf(mark)]
  })
  assert.deepEqual(ranks, ranks.toSorted(), 'the worst come last')
  assert.equal(stdout.includes('\u001b'), false, 'no colour where there is no terminal')
  const tooLong = lines.filter((line) => !/^ {6}|^ok {4}(Python|\/)/.test(line) && line.length > 60)
  assert.deepEqual(tooLong, [])
})

test('commands that are missing are found, and how bad that is', async (t) => {
  const dir = await wholeProject(t)
  const PATH = await pathWithout(t, 'setpriv', 'ps', 'git', 'python3', 'python')
  const examined = await doctor(dir, [], { PATH })
  assert.equal(examined.code, 1)
  assert.equal(findingOf(examined, 'python').state, 'error')
  for (const name of ['setpriv', 'ps', 'git']) {
    assert.equal(findingOf(examined, name).state, 'warning', name)
  }
  assert.equal(findingOf(examined, 'flock').state, 'ok')
})

test('what hangs is unknown, and holds up nothing else', async (t) => {
  const dir = await wholeProject(t, undefined, { doctor: { check: '4s' } })
  const PATH = await pathWithout(t, 'vcgencmd')
  await writeFile(join(PATH, 'vcgencmd'), '#!/bin/sh\nexec sleep 100\n', { mode: 0o755 })
  const examined = await doctor(dir, [], { PATH })
  assert.equal(examined.code, 0)
  assert.deepEqual(findingOf(examined, 'power'), {
    check: 'power',
    state: 'unknown',
    text: 'power: no answer within 4 s',
  })
  assert.equal(findingOf(examined, 'memory').state !== 'unknown', true)
})

test('a folder on a mount that does not answer is an error, not an end', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t)
  const script = programPath('good').replace('programs/good.py', 'dead-mount.py')
  const child = spawn('python3', [script, join(dir, 'main')], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  afterwards(t, async () => {
    child.stdin.end()
    await ended
  })
  const isMounted = once(child.stdout, 'data').then(() => true)
  if (!(await Promise.race([isMounted, ended.then(() => false)]))) {
    t.skip('needs FUSE')
    return
  }
  const examined = await doctor(dir)
  assert.equal(examined.code, 1)
  const { text, fix } = findingOf(examined, 'project')
  assert.match(text, /^main\/ does not answer/)
  assert.equal(findingOf(examined, 'node').state, 'ok')
  // Nothing else may be taken away, however slow this machine is.
  assert.equal(fix, `umount -l ${join(dir, 'main')}`)
  await paste(fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
})

test('a directory that is no project yet is fine, and stays as it is', async (t) => {
  const dir = await makeProject(t, patience)
  const before = await traces(dir)
  const examined = await doctor(dir)
  assert.deepEqual([examined.code, errorsOf(examined)], [0, []])
  assert.match(findingOf(examined, 'project').text, /no project yet/)
  assert.deepEqual(await traces(dir), before)
  const missing = await doctor(join(dir), ['-C', 'not/there'])
  assert.deepEqual([missing.code, errorsOf(missing)], [0, []])
  assert.deepEqual(await traces(dir), before)
  const file = await doctor(dir, ['-C', 'supervisor.toml'])
  assert.equal(file.code, 1)
  assert.match(findingOf(file, 'project').text, /is not a folder$/)
})

test('a broken configuration is a finding, and the rest is looked at', async (t) => {
  const dir = await wholeProject(t)
  await writeFile(join(dir, 'supervisor.toml'), '[deposit]\nquite = "1s"\n')
  const examined = await doctor(dir)
  assert.equal(examined.code, 1)
  const found = findingOf(examined, 'settings')
  assert.equal(found.state, 'error')
  assert.match(found.text, /quite/)
  await paste(found.fix?.replace(/^\S+/, 'rm'))
  assert.equal(findingOf(await doctor(dir), 'settings').state, 'ok')
})

test('a user that does not exist is refused', async (t) => {
  const dir = await wholeProject(t)
  const { code, stderr } = await runSupervisor(['doctor', '--as', 'no-such-user'], dir)
  assert.equal(code, 1)
  assert.match(stderr, /there is no user no-such-user/)
  assert.equal((await runSupervisor(['doctor', 'x'], dir)).code, 2)
})

test('a full disk is an error; old logs are named when they are enough', {
  skip: noSmallDisk(),
}, async (t) => {
  const dir = await wholeProject(t, undefined, { doctor: { check: '15s', low: '2MB' } })
  const disk = mountSmallDisk(t, 'size=8m', join(dir, 'logs'))
  for (const number of [1, 2, 3, 4]) {
    const path = join(disk, `logfile_0${number}-11-26_00.00.00.log`)
    await writeFile(path, Buffer.alloc(1_000_000))
    await run('touch', ['-d', `2026-11-0${number}`, path])
  }
  fillDisk(disk)
  const full = await doctor(dir)
  assert.equal(full.code, 1)
  const [found] = full.findings.filter(({ check, state }) => check === 'space' && state !== 'ok')
  assert.deepEqual([found?.state, found?.text], ['error', 'only 0 bytes free for logs/'])
  await paste(found?.fix)
  assert.deepEqual((await readdir(disk)).sort(), [
    'filler',
    'logfile_03-11-26_00.00.00.log',
    'logfile_04-11-26_00.00.00.log',
  ])
  assert.deepEqual(errorsOf(await doctor(dir)), [])
})

test('a disk that has become read-only, and the line that mends it', {
  skip: noSmallDisk(),
}, async (t) => {
  const dir = await wholeProject(t)
  await rm(join(dir, 'main'), { recursive: true })
  const disk = mountSmallDisk(t, 'size=8m', join(dir, 'main'))
  await mkdir(join(disk, '.supervisor'))
  await run('mount', ['-o', 'remount,ro', disk])
  const examined = await doctor(dir)
  assert.equal(examined.code, 1)
  const { text, fix } = findingOf(examined, 'disk-health')
  assert.equal(text, 'read-only disk: main/')
  await paste(fix)
  const after = await doctor(dir)
  assert.deepEqual(errorsOf(after), [])
  assert.match(findingOf(after, 'file-system').text, /main\/ is on tmpfs: a reboot empties it/)
  const places = after.findings.filter(({ check }) => check === 'same-disk').map(({ text }) => text)
  assert.deepEqual(places, [
    'main/ has its own disk: main/.supervisor is in use',
    'deposit/ is on another disk than main/: slower',
  ])
})

test('a deposit that is a link, and the line that mends it', async (t) => {
  const dir = await wholeProject(t)
  await rm(join(dir, 'deposit'), { recursive: true })
  await symlink('/tmp', join(dir, 'deposit'))
  const { state, fix } = findingOf(await doctor(dir), 'deposit')
  assert.equal(state, 'error')
  await paste(fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
})
