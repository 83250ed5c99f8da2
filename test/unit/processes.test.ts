import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { isGroupAlive, processOf, searchTag } from '../../src/system/processes.ts'
import { afterwards } from '../harness/cleanup.ts'
import { isLiving, until } from '../harness/processes.ts'

test('a look finds who carries the tag, and a later look who has come since', async (t) => {
  const look = searchTag('OTA_TEST_TAG', `${process.pid}-a`)
  assert.deepEqual(look(), [])
  const first = start(t, ['sleep', '60'], `${process.pid}-a`)
  await until('the first carries its environment', () => pidsOf(look).includes(first.pid))
  const other = start(t, ['sleep', '60'], `${process.pid}-other`)
  const second = start(t, ['sh', '-c', 'sleep 60 & wait'], `${process.pid}-a`)
  await until('the second and its child are there', () => pidsOf(look).length === 3)
  assert.ok(pidsOf(look).includes(second.pid))
  assert.ok(!pidsOf(look).includes(other.pid))
  first.kill('SIGKILL')
  await once(first, 'exit')
  assert.ok(!pidsOf(look).includes(first.pid))
})

test('who had no environment at one look may carry the tag at the next', async (t) => {
  const tag = `${process.pid}-b`
  // As a process in the middle of an execve(2) is seen: /proc shows an empty environment.
  // From there the one execve(2) brings the tag: a process in between, without it, would be a stranger.
  const line = `read go; export OTA_TEST_TAG=${tag}; exec sleep 60`
  const child = spawn('env', ['-i', '/bin/bash', '-c', line], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  afterwards(t, () => child.kill('SIGKILL'))
  await until('it waits', () => environmentOf(child.pid ?? 0) === '' && isShell(child.pid ?? 0))
  const look = searchTag('OTA_TEST_TAG', tag)
  assert.deepEqual(look(), [])
  child.stdin.write('go\n')
  await until('it is found', () => pidsOf(look).includes(child.pid ?? 0))
})

test('a process lives as long as one of its threads, also when the first has ended; its zombie does not', async (t) => {
  const script = [
    'import ctypes, os, threading, time',
    'print(os.spawnlp(os.P_NOWAIT, "true", "true"), flush=True)',
    'threading.Thread(target=time.sleep, args=(60,)).start()',
    'ctypes.CDLL(None).pthread_exit(None)',
  ].join('\n')
  const child = spawn('python3', ['-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  afterwards(t, () => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  await until('its main thread has ended', () => /\) Z /.test(statOf(pid)))
  assert.equal(processOf(pid)?.group, pid)
  assert.ok(isGroupAlive(pid))
  assert.ok(isLiving(pid))
  const zombie = Number(said)
  await until('its child has ended', () => /\) Z /.test(statOf(zombie)))
  assert.equal(processOf(zombie), null)
  assert.ok(!isLiving(zombie))
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(processOf(pid), null)
})

function statOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
}

type Child = ChildProcess & { readonly pid: number }

function start(t: TestContext, [file = '', ...args]: readonly string[], tag: string): Child {
  const env = { ...process.env, OTA_TEST_TAG: tag }
  const child = spawn(file, args, { env, stdio: 'ignore', detached: true })
  const pid = child.pid ?? 0
  // With its group: the shell has a child.
  afterwards(t, () => child.exitCode ?? child.signalCode ?? process.kill(-pid, 'SIGKILL'))
  return Object.assign(child, { pid })
}

function pidsOf(look: ReturnType<typeof searchTag>): number[] {
  return look().map(({ pid }) => pid)
}

function environmentOf(pid: number): string {
  return readFileSync(`/proc/${pid}/environ`, 'latin1')
}

function isShell(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/bash')
}
