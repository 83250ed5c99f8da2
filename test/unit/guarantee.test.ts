import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { chown, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Writers } from '../../src/model.ts'
import { findInterpreter } from '../../src/python/interpreter.ts'
import { openWriters } from '../../src/python/writers.ts'
import { testGuarantee } from '../../src/source/deposit/guarantee.ts'
import { canSeeSessions } from '../../src/system/sessions.ts'
import { depositWords } from '../../src/words-deposit.ts'
import { afterwards } from '../harness/cleanup.ts'
import { makeSite } from '../harness/site.ts'

const selfTest = '.in.ota-supervisor-self-test'
const uid = process.getuid?.() ?? 0

async function realWriters(t: TestContext): Promise<Writers> {
  const writers = openWriters(await findInterpreter(), 10_000)
  afterwards(t, () => writers.close())
  return writers
}

test('on a local disk, as the owner of the deposit, it is exact, and nothing is left there', async (t) => {
  const site = await makeSite(t)
  assert.deepEqual(await testGuarantee(site, await realWriters(t), uid), { is: 'exact' })
  assert.deepEqual(readdirSync(site.paths.deposit), [])
})

test('where nothing is known of writers, it says so and what would help', async (t) => {
  const site = await makeSite(t)
  const writers = openWriters(
    { path: '/no/such/python', version: '', searchPath: [], abi: '' },
    10_000,
  )
  const found = await testGuarantee(site, writers, uid)
  const is = canSeeSessions() ? 'connections' : 'timer'
  const because = { is: 'no leases', why: 'the answers were unknown and unknown' }
  assert.deepEqual(found, { is, because })
  assert.match(depositWords.guarantee(found), /For exact: put the deposit on ext4/)
  assert.deepEqual(readdirSync(site.paths.deposit), [])
})

test('in a deposit of another user it is exact for root only', async (t) => {
  if (uid !== 0) return t.skip('needs root: a folder is given to another user')
  const site = await makeSite(t)
  await chown(site.paths.deposit, 65_534, 65_534)
  // Root has CAP_LEASE, and so the number it says it is does not matter.
  assert.deepEqual(await testGuarantee(site, await realWriters(t), 1_000), { is: 'exact' })
})

test('what an uploader has put in the place of the self-test is neither followed nor waited for', async (t) => {
  const site = await makeSite(t)
  const precious = join(site.paths.project, 'precious')
  await writeFile(precious, 'precious')
  await symlink(precious, join(site.paths.deposit, selfTest))
  const writers = await realWriters(t)
  assert.deepEqual(await testGuarantee(site, writers, uid), { is: 'exact' })
  assert.equal(readFileSync(precious, 'utf8'), 'precious')
  execFileSync('mkfifo', [join(site.paths.deposit, selfTest)])
  assert.deepEqual(await testGuarantee(site, writers, uid), { is: 'exact' })
})
