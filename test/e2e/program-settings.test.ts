import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathWithout, runSupervisor } from '../harness/command.ts'
import { cleanEnvironment, type Daemon, startDaemon } from '../harness/daemon.ts'
import { isLiving, programsOf, until } from '../harness/processes.ts'
import {
  makeProject,
  programPath,
  projectWith,
  putProgram,
  type Settings,
  writeSettings,
  writeTree,
} from '../harness/project.ts'
import { makeTrialsAmple } from '../harness/trial.ts'

/** The settings of the section `program`, each on a real process. */

/** What the program `tells` finds out about itself. */
type Told = {
  readonly python: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly env: Readonly<Record<string, string>>
}

async function told(daemon: Daemon): Promise<Told> {
  const [, text = ''] = await daemon.says(/told (.*) end/)
  return JSON.parse(text) as Told
}

function realPython(): string {
  return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    env: cleanEnvironment(),
    encoding: 'utf8',
    cwd: '/',
  }).trim()
}

test('without settings it is python3 main.py in main, with nothing else', async (t) => {
  const dir = await projectWith(t, 'tells')
  const found = await told(await startDaemon(t, dir, { NOTIFY_SOCKET: '/x', SOME: 'thing' }))
  assert.deepEqual(found.argv, ['main.py'])
  assert.equal(found.cwd, join(dir, 'main'))
  assert.equal(found.python, realPython())
  assert.equal(found.env['PYTHONUNBUFFERED'], '1')
  assert.equal(found.env['SOME'], 'thing')
  assert.equal(found.env['NOTIFY_SOCKET'], undefined)
})

test('python: a path relative to the project, an absolute one, or a command', async (t) => {
  const dir = await projectWith(t, 'tells')
  await mkdir(join(dir, 'py'))
  await symlink(realPython(), join(dir, 'py/our-python'))
  const ways = { './py/our-python': {}, [join(dir, 'py/our-python')]: {}, 'our-python': {} }
  for (const python of Object.keys(ways)) {
    await writeSettings(dir, { program: { python } })
    const PATH = `${join(dir, 'py')}:${process.env['PATH']}`
    const daemon = await startDaemon(t, dir, { PATH })
    assert.equal((await told(daemon)).python, join(dir, 'py/our-python'), python)
    assert.equal(await daemon.end(), 0)
  }
})

test('python: one that is none is said at the start, with the key', async (t) => {
  const dir = await projectWith(t, 'tells')
  await writeTree(dir, { 'plain.txt': 'x', py2: '#!/bin/sh\necho \'["/x", "2.7.18", []]\'\n' })
  await writeTree(dir, { hello: '#!/bin/sh\necho hello\n', fails: '#!/bin/sh\nexit 3\n' })
  for (const name of ['py2', 'hello', 'fails']) await chmod(join(dir, name), 0o755)
  const wrong: Record<string, RegExp> = {
    'no-such-python': /program\.python: no-such-python: it is not there/,
    './nowhere/python': /program\.python: \/\S+\/nowhere\/python: it is not there/,
    './plain.txt': /plain\.txt: this user may not run it/,
    './main': /main: this user may not run it/,
    './hello': /hello: it is no Python/,
    './fails': /fails: it is no Python/,
    './py2': /py2: it is Python 2\.7\.18/,
  }
  for (const [python, message] of Object.entries(wrong)) {
    await writeSettings(dir, { program: { python } })
    const done = await runSupervisor([], dir)
    assert.equal(done.code, 1, python)
    assert.match(done.stderr, message)
    assert.match(done.stderr, /\n {2}correct program\.python in supervisor\.toml/)
  }
})

test('args and env reach the program; the tags that find it do not go with them', async (t) => {
  const args = ['--port', '80', '', 'a b', '$HOME', 'ü']
  const dir = await projectWith(t, 'tells', {
    program: {
      args,
      'env.GREETING': 'good "day"',
      'env.SOME': 'other',
      'env.PYTHONUNBUFFERED': 'x',
    },
  })
  const daemon = await startDaemon(t, dir, { SOME: 'thing' })
  const found = await told(daemon)
  assert.deepEqual(found.argv, ['main.py', ...args])
  assert.equal(found.env['GREETING'], 'good "day"')
  assert.equal(found.env['SOME'], 'other')
  assert.equal(found.env['PYTHONUNBUFFERED'], 'x')
  assert.equal(found.env['OTA_SUPERVISOR_RELEASE'], 'r0')
  assert.match(found.env['OTA_SUPERVISOR_RUN_ID'] ?? '', /^[0-9a-f-]{36}$/)
  assert.equal((await programsOf(dir)).length, 1)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('an environment that is too large for the system is no crash of the daemon', async (t) => {
  const dir = await projectWith(t, 'tells', { program: { 'env.LARGE': 'x'.repeat(200_000) } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py could not be started: .*E2BIG[\s\S]*next start in/)
  assert.equal(await daemon.end(), 0)
})

test('cwd: relative to main, or anywhere; main stays where its imports come from', async (t) => {
  const dir = await projectWith(t, 'tells')
  await mkdir(join(dir, 'data'))
  await mkdir(join(dir, 'main/sub'))
  const places = { sub: 'main/sub', '../data': 'data', [join(dir, 'data')]: 'data' }
  for (const [cwd, place] of Object.entries(places)) {
    await writeSettings(dir, { program: { cwd } })
    const daemon = await startDaemon(t, dir)
    const found = await told(daemon)
    assert.equal(found.cwd, join(dir, place))
    assert.equal(found.path, join(dir, 'main'))
    assert.deepEqual(found.argv, [join(dir, 'main/main.py')])
    assert.equal(await daemon.end(), 0)
  }
})

test('cwd: a folder that is not there is told, and made good by the release that brings it', async (t) => {
  const dir = await projectWith(t, 'tells', { program: { cwd: 'data' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py could not be started: there is no folder \/\S+\/main\/data to run it/)
  await writeTree(join(dir, 'deposit'), { 'data/seed.txt': '1' })
  const [found] = await Promise.all([told(daemon), daemon.says(/r1: committed/)])
  assert.equal(found.cwd, join(dir, 'main/data'))
  assert.equal(await daemon.end(), 0)
})

test('restart = "always": also after exit code 0, with growing waits', async (t) => {
  const dir = await projectWith(t, 'ends-well', {
    program: { restart: 'always', backoff_jitter: 0.0001 },
  })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py ended with exit code 0; next start in 50 ms/)
  await daemon.says(/started \(pid \d+\): again, after it ended with exit code 0/)
  await daemon.says(/next start in 100 ms/)
  await daemon.says(/next start in 200 ms/)
  assert.doesNotMatch(daemon.output(), /ERROR/)
  assert.equal(await daemon.end(), 0)
})

test('restart = "never": a crash is the end until the next upload, and trials go back as ever', async (t) => {
  const dir = await projectWith(t, 'crashes-at-once', { program: { restart: 'never' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(
    /ERROR: main\.py ended with exit code 1; the settings say not to start it again/,
  )
  assert.deepEqual(await programsOf(dir), [])
  await putProgram('good', join(dir, 'deposit'))
  await daemon.says(/r1: committed/)
  await makeTrialsAmple(daemon)
  await putProgram('crashes-at-once', join(dir, 'deposit'))
  await Promise.all([daemon.says(/r2: rolled back/), daemon.says(/r1 out +good is up/)])
  assert.equal((await programsOf(dir)).length, 1)
  assert.equal(await daemon.end(), 0)
})

const listens = (names: readonly string[]) => `
import signal, sys, time
def asked(number, _):
    print("asked by", signal.Signals(number).name)
    if number == signal.${names.at(-1)}:
        sys.exit(0)
for one in (${names.map((name) => `signal.${name}`).join(', ')},):
    signal.signal(one, asked)
print("listening")
while True:
    time.sleep(0.1)
`

test('stop_signal: the one that is set is sent first, then the ladder goes on', async (t) => {
  const cases: [string, readonly string[], readonly string[]][] = [
    ['SIGUSR1', ['SIGTERM', 'SIGUSR1'], ['SIGUSR1']],
    ['SIGQUIT', ['SIGINT', 'SIGQUIT'], ['SIGQUIT']],
    ['SIGHUP', ['SIGHUP', 'SIGTERM'], ['SIGHUP', 'SIGTERM']],
    ['auto', ['SIGINT', 'SIGTERM'], ['SIGTERM']],
  ]
  for (const [stop_signal, handled, asked] of cases) {
    // Only where the ladder goes on, the first wait comes to its end.
    const stop = asked.length > 1 ? '300ms' : '20s'
    const dir = await makeProject(t, { program: { stop_signal, stop, term: '5s' } })
    await writeTree(join(dir, 'main'), { 'main.py': listens(handled) })
    const daemon = await startDaemon(t, dir)
    await daemon.says(/listening/)
    assert.equal(await daemon.end(), 0)
    const found = [...daemon.output().matchAll(/asked by (\w+)/g)].map(([, name]) => name)
    assert.deepEqual(found, asked, stop_signal)
  }
})

test('stop_signal = "SIGKILL" asks nobody', async (t) => {
  const dir = await projectWith(t, 'ignores-signals', {
    program: { stop_signal: 'SIGKILL', stop: '1h' },
  })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/deaf is up/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('a reload brings them into force for the next start, but not who runs it with what', async (t) => {
  const dir = await projectWith(t, 'tells')
  const daemon = await startDaemon(t, dir)
  assert.deepEqual((await told(daemon)).argv, ['main.py'])
  await writeSettings(dir, {
    program: { args: ['new'], 'env.SOME': 'new', stop_signal: 'SIGINT', python: 'python3' },
  })
  const done = await runSupervisor(['reload'], dir)
  assert.match(done.stdout, /program\.python, program\.args, program\.env, program\.stop_signal/)
  assert.match(done.stdout, /; but program\.python from the next start of the daemon\n$/)
  assert.equal((await runSupervisor(['restart'], dir)).code, 0)
  const found = await told(daemon)
  assert.deepEqual([found.argv, found.env['SOME']], [['main.py', 'new'], 'new'])
  assert.equal(await daemon.end(), 0)
})

// A user that every Debian has, in no group but his own, and a Python that he can reach.
const nobody = 65_534
const sharedPython = '/usr/bin/python3'

/** True where the program can be run as another user. Else the test is skipped, and says why. */
function canChangeUser(t: TestContext): boolean {
  const why =
    process.getuid?.() !== 0
      ? 'needs root: it runs programs as other users'
      : existsSync(sharedPython)
        ? null
        : `needs ${sharedPython}: other users cannot reach another Python`
  if (why !== null) t.skip(why)
  return why === null
}

/** A project of root whose program is to run as another user. */
async function projectFor(t: TestContext, program: Settings[string]): Promise<string> {
  const dir = await projectWith(t, 'tells', { program: { python: sharedPython, ...program } })
  await chmod(dir, 0o755)
  return dir
}

test('user: the program has his rights, groups and home, from release to release', async (t) => {
  if (!canChangeUser(t)) return
  const dir = await projectFor(t, { user: 'nobody', 'env.LOGNAME': 'set' })
  const daemon = await startDaemon(t, dir)
  const found = await told(daemon)
  assert.deepEqual([found.uid, found.gid, found.groups], [nobody, nobody, [nobody]])
  assert.equal(found.env['USER'], 'nobody')
  assert.equal(found.env['LOGNAME'], 'set')
  assert.equal(found.env['HOME'], homeOf('nobody'))
  await cp(programPath('tells'), join(dir, 'deposit/main.py'))
  const [next] = await Promise.all([told(daemon), daemon.says(/r1: committed/)])
  assert.equal(next.uid, nobody)
  assert.equal((await programsOf(dir)).length, 1)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

function homeOf(user: string): string | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${user}:`))
  return line?.split(':')[5]
}

test('user: a health check is run as him too, and his memory is counted', async (t) => {
  if (!canChangeUser(t)) return
  const dir = await projectWith(t, 'tells', {
    program: { python: sharedPython, user: 'nobody', max_memory: '1MB', memory_interval: '1s' },
    health: {
      command: ['sh', '-c', `test "$(id -u)" = ${nobody} && test "$USER" = nobody`],
      start_interval: '50ms',
      failures: 1,
    },
  })
  await chmod(dir, 0o755)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py is healthy/)
  await daemon.says(/main\.py is being stopped \(pid \d+\): too much memory/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('user: he dies with the daemon as well', async (t) => {
  if (!canChangeUser(t)) return
  const dir = await projectFor(t, { user: String(nobody) })
  const daemon = await startDaemon(t, dir)
  assert.equal((await told(daemon)).uid, nobody)
  const pid = Number(/started \(pid (\d+)\)/.exec(daemon.output())?.[1])
  assert.equal(isLiving(pid), true)
  await daemon.end('SIGKILL')
  await until('main.py dies with the daemon', () => !isLiving(pid))
})

test('group: instead of the first one of the user, or for the user of the daemon', async (t) => {
  if (!canChangeUser(t)) return
  const withUser = await projectFor(t, { user: 'nobody', group: 'daemon' })
  const first = await startDaemon(t, withUser)
  const found = await told(first)
  assert.deepEqual([found.uid, found.gid], [nobody, 1])
  assert.equal(await first.end(), 0)
  const alone = await projectFor(t, { group: '1' })
  const second = await startDaemon(t, alone)
  const own = await told(second)
  assert.deepEqual([own.uid, own.gid, own.env['USER']], [0, 1, 'root'])
  assert.equal(await second.end(), 0)
})

test('user and group: who is not there is said at the start, with the key', async (t) => {
  const dir = await projectWith(t, 'tells')
  const wrong: [Settings[string], RegExp][] = [
    [{ user: 'no-such-user' }, /there is no user no-such-user .*program\.user.*\n {2}correct/],
    [{ user: '3999999999' }, /there is no user 3999999999 /],
    [{ group: 'no-such-group' }, /there is no group no-such-group .*program\.group/],
  ]
  for (const [program, message] of wrong) {
    await writeSettings(dir, { program })
    const done = await runSupervisor([], dir)
    assert.equal(done.code, 1, JSON.stringify(program))
    assert.match(done.stderr, message)
  }
})

test('user: only root can choose another; one own name is no change', async (t) => {
  if (!canChangeUser(t)) return
  const dir = await projectFor(t, { user: 'daemon' })
  execFileSync('chown', ['-R', `${nobody}:${nobody}`, dir])
  const refused = await startDaemon(t, dir, {}, nobody)
  assert.equal(await refused.ended, 1)
  assert.match(refused.output(), /only root can run the program as another user .* uid 65534/)
  await writeSettings(dir, { program: { python: sharedPython, user: 'nobody', group: '65534' } })
  const daemon = await startDaemon(t, dir, {}, nobody)
  assert.equal((await told(daemon)).uid, nobody)
  assert.equal(await daemon.end(), 0)
})

test('user: without setpriv the daemon does not start, rather than run it as root', async (t) => {
  if (!canChangeUser(t)) return
  const dir = await projectFor(t, { user: 'nobody' })
  const done = await runSupervisor([], dir, { PATH: await pathWithout(t, 'setpriv') })
  assert.equal(done.code, 1)
  assert.match(done.stderr, /setpriv is missing.*\n {2}sudo apt install util-linux/)
})
