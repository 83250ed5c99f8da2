import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import type { Finding } from '../../src/doctor/finding.ts'
import { afterwards } from '../harness/cleanup.ts'
import { type Done, pathWithout, runSupervisor } from '../harness/command.ts'
import { cleanEnvironment, startDaemon } from '../harness/daemon.ts'
import { isLiving, until } from '../harness/processes.ts'
import {
  makeProject,
  programPath,
  putProgram,
  type Settings,
  writeSettings,
} from '../harness/project.ts'
import { fillDisk, mountSmallDisk, noSmallDisk } from '../harness/small-disk.ts'

/** Two users that nobody is. */
const one = 64_001
const two = 64_002

const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? false : 'needs root: it plays several users'

/** A busy machine must not decide a test. */
const patience = { doctor: { check: '15s' } }

/** A whole project, of a user if one is named, with a main.py. */
async function wholeProject(t: TestContext, owner?: number, settings: Settings = {}) {
  const dir = await makeProject(t, { ...patience, ...settings })
  for (const name of ['deposit', 'main', 'logs', '.supervisor']) await mkdir(join(dir, name))
  await putProgram('good', join(dir, 'main'))
  if (owner !== undefined) await run('chown', ['-R', `${owner}:${owner}`, dir])
  return dir
}

const run = promisify(execFile)

/** Pastes a line into a shell, as a person would. */
async function paste(line: string | undefined): Promise<void> {
  assert.ok(line !== undefined, 'there must be a line to paste')
  await run('sh', ['-c', line])
}

type Examined = Done & { readonly findings: readonly Finding[] }

async function doctor(
  dir: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  uid?: number,
): Promise<Examined> {
  const done = await runSupervisor(['doctor', '--json', ...args], dir, env, uid)
  assert.equal(done.stderr, '')
  return { ...done, findings: JSON.parse(done.stdout) as Finding[] }
}

/** The one finding of a check. */
function findingOf({ findings }: Examined, check: string): Finding {
  const [found, ...others] = findings.filter((finding) => finding.check === check)
  assert.ok(found !== undefined, `no ${check} among ${findings.map((f) => f.check).join(' ')}`)
  assert.deepEqual(others, [])
  return found
}

function errorsOf({ findings }: Examined): readonly Finding[] {
  return findings.filter(({ state }) => state === 'error')
}

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

test('the uploader who cannot write into the deposit, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await chmod(dir, 0o755)
  const args = ['--uploader', String(two), '--as', String(one)]
  const examined = await doctor(dir, args)
  assert.equal(examined.code, 1)
  const { state, text, fix } = findingOf(examined, 'uploader-rights')
  assert.deepEqual([state, text], ['error', `${two} cannot write in deposit`])
  await paste(fix)
  const after = await doctor(dir, args)
  assert.deepEqual([after.code, errorsOf(after)], [0, []])
  assert.equal(findingOf(after, 'uploads').state, 'warning', 'two users: known by connections only')
  // And so it is: one writes, the other takes it away.
  await run('touch', [join(dir, 'deposit/x')], { uid: two, gid: two })
  await run('mv', [join(dir, 'deposit/x'), join(dir, 'main/x')], { uid: one, gid: one })
})

test('what root has left behind closes the project to its user, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await chown(join(dir, 'main'), 0, 0)
  await chown(join(dir, '.supervisor'), 0, 0)
  const asRoot = await doctor(dir)
  assert.deepEqual(
    errorsOf(asRoot).map(({ text }) => text),
    [`${one} cannot write in main`, `${one} cannot write in .supervisor`],
    'for root the daemon’s user is the owner of the project',
  )
  const asUser = await doctor(dir, [], {}, one)
  assert.deepEqual(
    errorsOf(asUser).map(({ text, fix }) => [text, fix?.replace(/^sudo /, '')]),
    errorsOf(asRoot).map(({ text, fix }) => [text, fix]),
  )
  for (const { fix } of errorsOf(asRoot)) await paste(fix)
  const after = await doctor(dir, [], {}, one)
  assert.deepEqual([after.code, errorsOf(after)], [0, []])
})

test('a folder inside main that is somebody else’s is warned of', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await mkdir(join(dir, 'main/lib/deep'), { recursive: true })
  const examined = await doctor(dir)
  const { state, text, fix } = findingOf(examined, 'daemon-rights')
  assert.deepEqual([state, text], ['warning', `${one} cannot write in main/lib`])
  await paste(fix)
  assert.equal(findingOf(await doctor(dir), 'daemon-rights').state, 'ok')
})

test('a folder above the project that cannot be passed, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const above = await makeProject(t)
  const dir = join(above, 'project')
  for (const name of ['deposit', 'main', 'logs']) await mkdir(join(dir, name), { recursive: true })
  await run('chown', ['-R', `${one}:${one}`, dir])
  await chmod(above, 0o700)
  const [found] = errorsOf(await doctor(dir))
  assert.equal(found?.text, `${one} cannot pass through ${above}`)
  await paste(found?.fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
  await run('ls', [join(dir, 'main')], { uid: one, gid: one })
})

test('a program of another user must be able to read main, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const settings = { program: { user: 'nobody' } }
  const dir = await wholeProject(t, undefined, settings)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'main'), 0o700)
  const examined = await doctor(dir)
  const { state, text, fix } = findingOf(examined, 'program-rights')
  assert.deepEqual([state, text], ['error', 'nobody cannot read main'])
  await paste(fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
  const found = findingOf(await doctor(dir, ['--as', String(one)]), 'program-rights')
  assert.equal(found.text, `${one} cannot run main.py as nobody: only root can`)
  await writeSettings(dir, { ...patience, program: { user: 'no-such-user' } })
  assert.match(findingOf(await doctor(dir), 'program-rights').text, /no-such-user/)
})

test('settings that this user cannot read are unknown', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'supervisor.toml'), 0o600)
  const { state, fix } = findingOf(await doctor(dir, [], {}, two), 'settings')
  assert.equal(state, 'unknown')
  assert.match(fix ?? '', /^sudo .* doctor -C /)
})

test('an access list is asked of the kernel', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t, one)
  await chmod(dir, 0o755)
  const list = ['-m', `u:${two}:rwx`, join(dir, 'deposit')]
  const isSet = await run('setfacl', list).then(
    () => true,
    () => false,
  )
  if (!isSet) return t.skip('needs setfacl: sudo apt install acl')
  const examined = await doctor(dir, ['--uploader', String(two)])
  assert.equal(findingOf(examined, 'uploader-rights').state, 'ok')
})

test('what anybody may write in is warned of, and the line that mends it', async (t) => {
  const dir = await wholeProject(t)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'deposit'), 0o777)
  const { state, text, fix } = findingOf(await doctor(dir), 'others')
  assert.deepEqual([state, text], ['warning', 'anybody may write in deposit: unsafe'])
  await paste(fix)
  assert.equal(findingOf(await doctor(dir), 'others').state, 'ok')
})

test('somebody who may not look into the project is told so, and who may', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  const below = await doctor('/', ['-C', join(dir, 'main')], {}, two)
  assert.equal(findingOf(below, 'project').state, 'unknown')
  const examined = await doctor('/', ['-C', dir], {}, two)
  assert.equal(examined.code, 0)
  const { state, text, fix } = findingOf(examined, 'project')
  assert.deepEqual([state, text], ['unknown', `${two} cannot look into ${dir}`])
  assert.match(fix ?? '', /^sudo .* doctor -C /)
  await paste(fix?.replace(/^sudo /, ''))
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

test('the running daemon and its program are nothing to be mended', async (t) => {
  const dir = await makeProject(t, patience)
  await putProgram('ticks', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py started/)
  const examined = await doctor(dir)
  assert.deepEqual(errorsOf(examined), [])
  assert.match(findingOf(examined, 'daemon').text, new RegExp(`pid ${daemon.pid}, `))
  assert.equal(findingOf(examined, 'leftovers').state, 'ok')
})

test('a daemon’s user is whoever runs it', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t)
  await run('chown', ['-R', `${one}:${one}`, dir])
  const daemon = await startDaemon(t, dir, {}, one)
  await daemon.says(/main\.py started/)
  await run('chown', ['0:0', dir])
  await chmod(dir, 0o755)
  const examined = await doctor(dir)
  assert.equal(findingOf(examined, 'daemon').text, `the daemon runs (pid ${daemon.pid}, ${one})`)
  assert.equal(findingOf(examined, 'daemon-rights').text, `${one} may run the daemon here`)
  const asOther = await doctor(dir, [], {}, two)
  assert.equal(findingOf(asOther, 'daemon').text, findingOf(examined, 'daemon').text)
  assert.equal(findingOf(asOther, 'leftovers').state, 'unknown')
})

test('what a killed daemon left running, and the line that ends it', async (t) => {
  const dir = await makeProject(t, patience)
  await putProgram('leaves-daemon', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  const [, pid] = await daemon.says(/daemon (\d+) is up/)
  assert.equal(findingOf(await doctor(dir), 'leftovers').state, 'ok')
  await daemon.end('SIGKILL')
  const { state, text, fix } = findingOf(await doctor(dir), 'leftovers')
  assert.equal(state, 'warning')
  assert.match(text, new RegExp(`left over by a killed daemon: .*\\(pid ${pid}\\)`))
  await paste(fix)
  await until('it is gone', () => !isLiving(Number(pid)))
  assert.equal(findingOf(await doctor(dir), 'leftovers').state, 'ok')
})

test('a main.py that no daemon has started, and the line that ends it', async (t) => {
  const dir = await wholeProject(t)
  await putProgram('ticks', join(dir, 'main'))
  const main = join(dir, 'main')
  const child = spawn('/usr/bin/env', ['python3', 'main.py'], {
    cwd: main,
    env: cleanEnvironment(),
  })
  afterwards(t, () => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const { state, fix } = findingOf(await doctor(dir), 'strangers')
  assert.equal(state, 'warning')
  const ended = once(child, 'exit')
  await paste(fix)
  await ended
  assert.equal(findingOf(await doctor(dir), 'leftovers').state, 'ok')
})

test('two daemons, after the project was removed and made again, and the line that ends one', async (t) => {
  const dir = await makeProject(t, patience)
  await putProgram('ticks', join(dir, 'main'))
  const first = await startDaemon(t, dir)
  await first.says(/main\.py started/)
  await rm(dir, { recursive: true, maxRetries: 20, retryDelay: 20 })
  await mkdir(dir, { recursive: true })
  await putProgram('ticks', join(dir, 'main'))
  await writeFile(join(dir, 'supervisor.toml'), '[doctor]\ncheck = "15s"\n')
  const second = await startDaemon(t, dir)
  await second.says(/main\.py started/)
  const { state, text, fix } = findingOf(await doctor(dir), 'daemon')
  assert.deepEqual([state, text], ['error', `2 daemons run here (pid ${second.pid}, ${first.pid})`])
  await paste(fix)
  await first.ended
  assert.match(findingOf(await doctor(dir), 'daemon').text, new RegExp(`pid ${second.pid}, `))
})
