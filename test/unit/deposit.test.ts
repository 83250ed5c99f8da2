import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, changeTo, type DepositSite, defaults } from '../../src/config.ts'
import { findInterpreter } from '../../src/python/interpreter.ts'
import { openWriters } from '../../src/python/writers.ts'
import { type Deposit, openDeposit } from '../../src/source/deposit/deposit.ts'
import { clock } from '../../src/system/clock.ts'
import { afterwards } from '../harness/cleanup.ts'
import { until } from '../harness/processes.ts'
import { silent, unheard } from '../harness/silence.ts'
import { makeSite } from '../harness/site.ts'

/** A deposit that is looked at often, with real leases. */
async function open(
  t: TestContext,
  more: Partial<Config['deposit']> = {},
): Promise<{ site: DepositSite; deposit: Deposit }> {
  const often = { quietMs: 100, tickMs: 10, rescanMs: 100 }
  const site = await makeSite(t, { deposit: { ...defaults.deposit, ...often, ...more } })
  const writers = openWriters(await findInterpreter(), 10_000)
  afterwards(t, () => writers.close())
  return { site, deposit: openDeposit(site, writers, silent, unheard, clock) }
}

test('its state tells how many files there are and what they wait for', async (t) => {
  const { site, deposit } = await open(t)
  const put = (name: string) => writeFileSync(join(site.paths.deposit, name), 'x = 1\n')
  const becomes = (files: number, because: string | undefined) =>
    until(`${files} files, waiting for ${because}`, () => {
      const now = deposit.state()
      return now.files === files && now.waitingFor?.because === because
    })
  assert.deepEqual(deposit.state(), { files: 0, waitingFor: null })
  const upload = deposit.next(new AbortController().signal, () => undefined)
  put('.hold')
  put('main.py')
  await becomes(1, 'marker')
  unlinkSync(join(site.paths.deposit, '.hold'))
  put('.in.data.csv')
  await becomes(2, 'temporary')
  const file = openSync(join(site.paths.deposit, '.in.data.csv'), 'a')
  renameSync(join(site.paths.deposit, '.in.data.csv'), join(site.paths.deposit, 'data.csv'))
  await becomes(2, 'writer')
  closeSync(file)
  const complete = await upload
  assert.deepEqual(deposit.state(), { files: 2, waitingFor: null })
  const staging = join(site.paths.releases, 'r1/staging')
  mkdirSync(staging, { recursive: true })
  assert.equal(await deposit.claim(complete?.snapshot ?? assert.fail(), staging), null)
  assert.deepEqual(deposit.state(), { files: 0, waitingFor: null })
})

test('what was given up under a temporary name does not hold up the next upload as well', async (t) => {
  const { site, deposit } = await open(t, { orphanMs: 50 })
  const put = (name: string) => writeFileSync(join(site.paths.deposit, name), 'x = 1\n')
  const { signal } = new AbortController()
  const staging = join(site.paths.releases, 'r1/staging')
  mkdirSync(staging, { recursive: true })
  put('.in.data.csv')
  put('main.py')
  const first = (await deposit.next(signal, () => undefined)) ?? assert.fail()
  assert.equal(await deposit.claim(first.snapshot, staging), null)
  // From here on, one that was not given up before would be waited for without end.
  changeTo(
    { ...site.config, deposit: { ...site.config.deposit, orphanMs: 1_000_000_000 } },
    site.config,
  )
  put('more.py')
  const second = (await deposit.next(signal, () => undefined)) ?? assert.fail()
  assert.deepEqual(
    second.snapshot.entries.map(({ path }) => path),
    ['more.py'],
  )
})

test('a look that takes longer than the quiet period is none', async (t) => {
  const quietMs = 100
  const site = await makeSite(t, { deposit: { ...defaults.deposit, quietMs, tickMs: 10 } })
  const put = (name: string) => writeFileSync(join(site.paths.deposit, name), 'x = 1\n')
  const writers = openWriters(await findInterpreter(), 10_000)
  afterwards(t, () => writers.close())
  const asked: number[] = []
  const slow = {
    ...writers,
    async ask(paths: readonly Buffer[]) {
      asked.push(paths.length)
      // The next file of the upload comes while it is asked who writes to the first.
      if (asked.length === 1) put('second.py')
      await clock.sleep(2 * quietMs)
      return writers.ask(paths)
    },
  }
  const deposit = openDeposit(site, slow, silent, unheard, clock)
  put('main.py')
  const upload = await deposit.next(new AbortController().signal, () => undefined)
  assert.equal(asked[0], 1)
  assert.deepEqual(
    upload?.snapshot.entries.map(({ path }) => path),
    ['main.py', 'second.py'],
  )
})

test('its state tells that it cannot be looked at', async (t) => {
  const { site, deposit } = await open(t)
  renameSync(site.paths.deposit, `${site.paths.deposit}.old`)
  symlinkSync('deposit.old', site.paths.deposit)
  const ending = new AbortController()
  const next = deposit.next(ending.signal, () => undefined)
  await until('the trouble in its state', () => {
    const { waitingFor } = deposit.state()
    return waitingFor?.because === 'unreadable' && /not a folder but a link/.test(waitingFor.why)
  })
  ending.abort()
  assert.equal(await next, null)
})
