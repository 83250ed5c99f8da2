import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pathsOf } from '../../src/config.ts'
import { ask } from '../../src/control/client.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { zombiesOf } from '../harness/processes.ts'
import { makeProject, putProgram, type Settings } from '../harness/project.ts'
import { isThorough } from '../harness/thorough.ts'

const probe = fileURLToPath(new URL('../../../test/fixtures/counts-objects.cjs', import.meta.url))

async function startCounted(
  t: TestContext,
  program: string,
  settings: Settings = {},
): Promise<Daemon> {
  const dir = await makeProject(t, settings)
  await putProgram(program, join(dir, 'main'))
  return startDaemon(t, dir, { NODE_OPTIONS: `--require "${probe}"` })
}

/** How many objects and descriptors the daemon has; and zombies. */
async function countOf({ pid, says }: Daemon): Promise<{
  readonly objects: number
  readonly descriptors: number
  readonly zombies: number
}> {
  const said = says(/^objects: (\d+)$/m)
  process.kill(pid, 'SIGUSR2')
  const objects = Number((await said)[1])
  return {
    objects,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    zombies: zombiesOf(pid),
  }
}

/** As many as are needed for what is left behind to be more than what Node itself keeps. */
const rounds = isThorough ? 200 : 40

/** Does something many times, after some more that make all there is to be made once. */
async function assertNoGrowth(
  daemon: Daemon,
  once: (round: number) => Promise<unknown>,
): Promise<void> {
  const warmUp = 10
  for (let round = 0; round < warmUp; round += 1) await once(round)
  const before = await countOf(daemon)
  for (let round = 0; round < rounds; round += 1) await once(warmUp + round)
  const after = await countOf(daemon)
  const text = JSON.stringify({ before, after })
  // What is left behind is many objects for each round; what Node itself keeps varies by a hundred or two.
  assert.ok(after.objects - before.objects < 5 * rounds, text)
  assert.ok(after.descriptors - before.descriptors < rounds / 4, text)
  assert.ok(after.zombies <= 1, text)
}

test('restarts leave nothing behind: no objects, no descriptors, no zombies', async (t) => {
  const daemon = await startCounted(t, 'good')
  await daemon.says(/good is up/)
  await assertNoGrowth(daemon, () => ask('restart', pathsOf(daemon.dir)))
})

test('crashes leave nothing behind', async (t) => {
  const backOff = { backoff: '1ms', backoff_max: '1ms', fatal_retry: '1ms' }
  const daemon = await startCounted(t, 'crashes-at-once', { program: backOff })
  await assertNoGrowth(daemon, () => daemon.says(/main\.py started/))
})

test('releases leave nothing behind', async (t) => {
  const daemon = await startCounted(t, 'good', { trial: { time: '10ms' } })
  await daemon.says(/good is up/)
  await assertNoGrowth(daemon, async (round) => {
    const committed = daemon.says(/r\d+: committed/)
    await drop(daemon, { 'main.py': `import time\ntime.sleep(600) # ${round}\n` })
    await committed
  })
})
