import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { memoryAbove, watchMemory } from '../../src/program/memory.ts'
import { clock } from '../../src/system/clock.ts'
import { ownMemory, wholeMemory } from '../../src/system/memory.ts'
import { membersOf, processOf } from '../../src/system/processes.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { programPath } from '../harness/project.ts'
import { makeSite } from '../harness/site.ts'

const megabyte = 1e6

/** Starts a program that takes 60 MB and shares them with three more processes; returns its group. */
async function family(t: TestContext): Promise<number> {
  const child = spawn('python3', [programPath('shares-memory')], {
    detached: true,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { pid } = child
  assert.ok(pid)
  afterwards(t, () => process.kill(-pid, 'SIGKILL'))
  await once(createInterface(child.stdout), 'line')
  return pid
}

test('what forked processes share is counted once', async (t) => {
  const members = membersOf(await family(t))
  assert.equal(members.length, 4)
  const sum = (of: (pid: number) => number) => members.reduce((all, { pid }) => all + of(pid), 0)
  assert.ok(sum(wholeMemory) > 240 * megabyte, `${sum(wholeMemory)}`)
  const own = sum(ownMemory)
  assert.ok(own > 60 * megabyte && own < 120 * megabyte, `${own}`)
  assert.equal(memoryAbove(150 * megabyte, members), 0)
  assert.ok(memoryAbove(50 * megabyte, members) > 60 * megabyte)
  assert.equal(memoryAbove(300 * megabyte, members), 0)
})

test('a process that is gone occupies nothing', () => {
  assert.equal(wholeMemory(0x7fffffff), 0)
  assert.equal(ownMemory(0x7fffffff), 0)
})

/** A watch over the test's own process, of which `looks` tells whether it is too big. */
async function watched(t: TestContext, looks: readonly ('much' | 'little' | 'end')[]) {
  const self = [processOf(process.pid)].filter((found) => found !== null)
  const program = { ...defaults.program, maxMemoryBytes: 1, memoryIntervalMs: 1, memorySamples: 3 }
  const site = await makeSite(t, { ...defaults, program })
  const end = new AbortController()
  let at = 0
  const processes = () => {
    const look = looks[at] ?? 'end'
    at += 1
    if (look === 'end') end.abort()
    return look === 'much' ? self : []
  }
  return { found: await watchMemory(processes, site, clock, end.signal), looked: at }
}

test('too much counts only when it is found several times in a row', async (t) => {
  const { found, looked } = await watched(t, ['much', 'much', 'little', 'much', 'much', 'much'])
  assert.equal(looked, 6)
  assert.ok(found?.is === 'too big' && found.bytes > megabyte && found.maxBytes === 1)
})

test('a watch that is ended has found nothing', async (t) => {
  const { found, looked } = await watched(t, ['much', 'much', 'end'])
  assert.equal(found, null)
  assert.equal(looked, 3)
})

test('without a limit nobody looks', async (t) => {
  const program = { ...defaults.program, maxMemoryBytes: 0, memoryIntervalMs: 1 }
  const site = await makeSite(t, { ...defaults, program })
  const end = new AbortController()
  const watch = watchMemory(() => assert.fail('looked'), site, clock, end.signal)
  await clock.sleep(50)
  end.abort()
  assert.equal(await watch, null)
})
