import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathWithout, runSupervisor } from '../harness/command.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { isLiving, programsOf, until } from '../harness/processes.ts'
import { makeProject, projectWith, putProgram } from '../harness/project.ts'
import { logOf, outcomesOf, stageOf } from '../harness/records.ts'

/** The number of the program's process that the daemon named last. */
function startedPid(daemon: Daemon): number {
  return Number([...daemon.output().matchAll(/started \(pid (\d+)\)/g)].at(-1)?.[1])
}

test('after kill -9 of the daemon main.py is gone at once, with setpriv', async (t) => {
  const dir = await projectWith(t, 'ignores-signals')
  const first = await startDaemon(t, dir)
  await first.says(/deaf is up/)
  const pid = startedPid(first)
  await first.end('SIGKILL')
  await until('main.py dies with the daemon', () => !isLiving(pid))
  assert.deepEqual(await programsOf(dir), [])
  const second = await startDaemon(t, dir)
  await second.says(/deaf is up/)
  assert.equal((await programsOf(dir)).length, 1)
  assert.doesNotMatch(second.output(), /of the last session/)
})

test('what survives kill -9 of the daemon is ended by the next start, before a second one', async (t) => {
  const dir = await projectWith(t, 'leaves-daemon')
  const first = await startDaemon(t, dir)
  const [, pid] = await first.says(/daemon (\d+) is up/)
  await first.end('SIGKILL')
  await until('main.py dies with the daemon', async () => (await programsOf(dir)).length === 1)
  assert.equal(isLiving(Number(pid)), true, 'the fixture must do what it is for')
  const second = await startDaemon(t, dir)
  await second.says(
    new RegExp(
      `WARNING: ended 1 process of the last session .*\\(pid ${pid}\\)[\\s\\S]*main\\.py started`,
    ),
  )
  await second.says(/daemon \d+ is up/)
  assert.equal(isLiving(Number(pid)), false)
  assert.equal((await programsOf(dir)).length, 2)
  assert.equal(await second.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('without setpriv main.py survives, and is ended by the next start', async (t) => {
  const dir = await projectWith(t, 'leaves-grandchild', { program: { term: '100ms' } })
  const PATH = await pathWithout(t, 'setpriv')
  const first = await startDaemon(t, dir, { PATH })
  await first.says(/WARNING: setpriv is missing/)
  const [, grandchild] = await first.says(/grandchild (\d+) is up/)
  const pid = startedPid(first)
  await first.end('SIGKILL')
  assert.equal(isLiving(pid), true)
  const second = await startDaemon(t, dir, { PATH })
  await second.says(/WARNING: ended 2 processes of the last session[\s\S]*main\.py started/)
  assert.equal(isLiving(pid), false)
  assert.equal(isLiving(Number(grandchild)), false)
  await second.says(/grandchild \d+ is up/)
  assert.equal((await programsOf(dir)).length, 2)
  assert.equal(await second.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('a run record that is torn or of another boot is no reason to end anybody', async (t) => {
  const dir = await projectWith(t, 'good')
  const record = join(dir, '.supervisor/program.json')
  await mkdir(join(dir, '.supervisor'))
  const leader = { pid: process.pid, startTime: 1 }
  const forged = [
    '',
    '{"runId":"x","boo',
    'null',
    JSON.stringify({ runId: 'x', bootId: 'another', leader }),
    JSON.stringify({ runId: 'x', bootId: await bootId(), leader }),
  ]
  for (const text of forged) {
    await writeFile(record, text)
    const daemon = await startDaemon(t, dir)
    await daemon.says(/good is up/)
    assert.equal(await daemon.end(), 0)
    assert.doesNotMatch(daemon.output(), /of the last session/)
  }
})

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

test('a second daemon in the same directory says so and ends; the first runs on', async (t) => {
  const dir = await projectWith(t, 'good')
  const first = await startDaemon(t, dir)
  await first.says(/good is up/)
  const pid = startedPid(first)
  const second = await runSupervisor([], dir)
  assert.equal(second.code, 1)
  assert.equal(second.stdout, '')
  assert.match(
    second.stderr,
    /^ota-supervisor: another ota-supervisor already runs in \S+ \(pid \d+\)/,
  )
  assert.match(second.stderr, new RegExp(`kill ${first.pid}\n$`))
  assert.equal(isLiving(pid), true)
  assert.equal((await programsOf(dir)).length, 1)
  await logOf(dir)
  await putProgram('good', join(dir, 'deposit'))
  await first.says(/r1: committed/)
  assert.equal(await first.end(), 0)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the program in order, then the daemon: last words, exit 0`, async (t) => {
    const dir = await projectWith(t, 'says-goodbye', { program: { stop: '20s' } })
    const daemon = await startDaemon(t, dir)
    await daemon.says(/tidy is up/)
    assert.equal(await daemon.end(signal), 0)
    const text = (await logOf(dir)).join('\n')
    assert.match(
      text,
      new RegExp(
        `${signal}: stopping[\\s\\S]*interrupted[\\s\\S]*finally ran[\\s\\S]*atexit ran[\\s\\S]*stopped by ${signal}$`,
      ),
    )
    assert.deepEqual(await programsOf(dir), [])
  })
}

/** For a program that has to be killed, with a polite wait that only a second signal shortens. */
const endlessPatience = {
  program: { stop: '1h', term: '1h' },
  daemon: { second_signal: '10ms' },
}

test('a second signal hastens the end', async (t) => {
  const dir = await projectWith(t, 'ignores-signals', endlessPatience)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/deaf is up/)
  process.kill(daemon.pid, 'SIGTERM')
  await daemon.says(/SIGTERM: stopping/)
  // Until one of them comes late enough to be another one.
  await until('it is hastened', () => {
    if (isLiving(daemon.pid)) process.kill(daemon.pid, 'SIGTERM')
    return daemon.output().includes('second signal: ending main.py at once')
  })
  assert.equal(await daemon.ended, 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('a signal that is passed on twice does not hasten the end', async (t) => {
  const dir = await projectWith(t, 'ignores-signals', {
    program: { stop: '300ms', term: '100ms' },
    daemon: { second_signal: '1h' },
  })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/deaf is up/)
  process.kill(daemon.pid, 'SIGINT')
  await daemon.says(/SIGINT: stopping/)
  process.kill(daemon.pid, 'SIGINT')
  assert.equal(await daemon.ended, 0)
  assert.doesNotMatch(daemon.output(), /second signal/)
})

test('a trial that the end of the daemon cuts off goes on, as often as it takes', async (t) => {
  const dir = await projectWith(t, 'good', { trial: { time: '1h', max_boots: 2 } })
  const first = await startDaemon(t, dir)
  await first.says(/good is up/)
  await putProgram('says-goodbye', join(dir, 'deposit'))
  await first.says(/r1: applied/)
  assert.equal(await first.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
  for (let start = 0; start < 4; start += 1) {
    assert.equal((await stageOf(dir))?.boots, 0)
    const daemon = await startDaemon(t, dir)
    await daemon.says(/r1: its trial goes on \(start 1 of 2\)/)
    await daemon.says(/r1 out +tidy is up/)
    assert.equal(await daemon.end(), 0)
  }
  assert.deepEqual(await outcomesOf(dir), [])
  assert.equal((await stageOf(dir))?.stage, 'on-trial')
})

test('a signal while the daemon is just starting ends it too', async (t) => {
  for (let start = 0; start < 5; start += 1) {
    const daemon = await startDaemon(t)
    await daemon.says(/waiting for uploads/)
    process.kill(daemon.pid, 'SIGTERM')
    await daemon.says(/stopped by SIGTERM/)
    await until('the process ends', () => !isLiving(daemon.pid), 10_000)
    assert.equal(await daemon.ended, 0)
  }
})

test('without Python it says what to install, and ends', async (t) => {
  const dir = await projectWith(t, 'good')
  const PATH = await pathWithout(t, 'python3', 'python')
  const done = await runSupervisor([], dir, { PATH })
  assert.equal(done.code, 1)
  assert.equal(
    done.stderr,
    'ota-supervisor: there is no Python 3 on this machine\n  sudo apt install python3\n',
  )
})

test('without flock it says what to install, and ends', async (t) => {
  const dir = await projectWith(t, 'good')
  const done = await runSupervisor([], dir, { PATH: await pathWithout(t, 'flock') })
  assert.equal(done.code, 1)
  assert.match(
    done.stderr,
    /could not lock [\s\S]*\n {2}the command `flock` is needed: sudo apt install/,
  )
})

test('without ps a program that ignores signals is ended all the same', async (t) => {
  const dir = await projectWith(t, 'leaves-grandchild', { program: { term: '100ms' } })
  const daemon = await startDaemon(t, dir, { PATH: await pathWithout(t, 'ps') })
  await daemon.says(/grandchild \d+ is up/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
})

test('a wrong command line says so on stderr, with exit code 2', async (t) => {
  const dir = await makeProject(t)
  const wrong = { fly: /unknown verb: fly/, '--fly': /'--fly'/, '-C': /-C/ }
  for (const [argument, message] of Object.entries(wrong)) {
    const done = await runSupervisor([argument], dir)
    assert.equal(done.code, 2, argument)
    assert.match(done.stderr, message)
    assert.match(done.stderr, /see: ota-supervisor --help\n$/)
    assert.equal(done.stdout, '')
  }
  const twice = await runSupervisor(['run', 'run'], dir)
  assert.equal(twice.code, 2)
  assert.match(twice.stderr, /unexpected argument: run/)
  assert.equal(existsSync(join(dir, 'deposit')), false, 'nothing was done')
})

test('help and version go to stdout', async (t) => {
  const dir = await makeProject(t)
  for (const argument of ['help', '--help', '-h']) {
    const done = await runSupervisor([argument], dir)
    assert.equal(done.code, 0)
    assert.match(done.stdout, /^ota-supervisor keeps main\/main\.py running[\s\S]*Usage: /)
  }
  const card = new URL('../../../package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(card, 'utf8')) as { version: string }
  for (const argument of ['version', '--version']) {
    const done = await runSupervisor([argument], dir)
    assert.deepEqual(done, { code: 0, stdout: `${version}\n`, stderr: '' })
  }
})

test('settings that are wrong are named, and the daemon does not start', async (t) => {
  const wrong: Record<string, RegExp> = {
    '[trial]\ntime = "soon"\n': /toml:2: trial\.time: expected a duration .*, found "soon"\n/,
    '[trial]\ntime = 10\n': /toml:2: trial\.time: expected a duration .*, found 10\n/,
    '[trial]\ntimes = "10s"\n': /toml:2: trial\.times: there is no such .* mean trial\.time\?/,
    '\n[trail]\ntime = "10s"\n': /toml:2: trail: there is no such setting; did you mean trial\?/,
    '[trial\n': /toml:1: this is not TOML: /,
  }
  for (const [text, message] of Object.entries(wrong)) {
    const dir = await makeProject(t)
    await writeFile(join(dir, 'supervisor.toml'), text)
    const done = await runSupervisor([], dir)
    assert.equal(done.code, 2, text)
    assert.equal(existsSync(join(dir, 'deposit')), false, 'nothing was done')
    assert.match(done.stderr, message)
    assert.match(done.stderr, /correct the file, or remove it/)
  }
})

test('-C runs the daemon in another directory, and missing folders are made and said', async (t) => {
  const dir = await makeProject(t)
  const elsewhere = await makeProject(t)
  const daemon = await startDaemon(t, dir)
  for (const name of ['deposit', 'main', 'logs']) {
    await daemon.says(new RegExp(`made the folder ${name}/`))
    assert.equal(existsSync(join(dir, name)), true)
  }
  for (const args of [['-C', dir], ['run', '--directory', dir], [`--directory=${dir}`]]) {
    const second = await runSupervisor(args, elsewhere)
    assert.equal(second.code, 1)
    assert.ok(second.stderr.includes(`already runs in ${dir} (pid ${daemon.pid})`), second.stderr)
  }
  assert.equal(await daemon.end(), 0)
  const again = await startDaemon(t, dir)
  await again.says(/No main\.py inside the main directory/)
  assert.doesNotMatch(again.output(), /made the folder/)
  assert.equal(existsSync(join(elsewhere, 'deposit')), false)
})
