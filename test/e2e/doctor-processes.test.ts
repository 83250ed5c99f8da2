import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment, startDaemon } from '../harness/daemon.ts'
import { doctor, errorsOf, findingOf, paste, patience, wholeProject } from '../harness/examined.ts'
import { isLiving, until } from '../harness/processes.ts'
import { projectWith, putProgram } from '../harness/project.ts'

/** What `doctor` says of daemons and programs, and that each line it tells ends them. */

test('the running daemon and its program are nothing to be mended', async (t) => {
  const dir = await projectWith(t, 'ticks', patience)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py started/)
  const examined = await doctor(dir)
  assert.deepEqual(errorsOf(examined), [])
  assert.match(findingOf(examined, 'daemon').text, new RegExp(`pid ${daemon.pid}, `))
  assert.equal(findingOf(examined, 'leftovers').state, 'ok')
})

test('a daemon that hangs, and the line that ends it', async (t) => {
  const dir = await projectWith(t, 'ticks', patience)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/main\.py started/)
  process.kill(daemon.pid, 'SIGSTOP')
  const { state, text, fix } = findingOf(await doctor(dir), 'daemon')
  assert.equal(state, 'error')
  assert.match(text, new RegExp(`daemon \\(pid ${daemon.pid}\\) does not answer`))
  await paste(fix)
  await until('it is gone', () => !isLiving(daemon.pid))
})

test('what a killed daemon left running, and the line that ends it', async (t) => {
  const dir = await projectWith(t, 'leaves-daemon', patience)
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
  const dir = await projectWith(t, 'ticks', patience)
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
