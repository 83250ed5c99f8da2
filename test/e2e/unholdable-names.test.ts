import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { mountNtfs } from '../harness/ntfs.ts'
import { makeProject, putProgram, readTree, type Tree } from '../harness/project.ts'

/** A daemon whose main is on an NTFS; null: the test is skipped. */
async function startOnNtfs(
  t: TestContext,
  options: 'windows_names' | 'ignore_case',
): Promise<Daemon | null> {
  const dir = await makeProject(t, { trial: { time: '100ms' } })
  if (!(await mountNtfs(t, join(dir, 'main'), options))) return null
  await putProgram('good', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  return daemon
}

/** The upload is refused as a whole, for this reason, and the next good one works. */
async function isRefused(daemon: Daemon, upload: Tree, why: RegExp): Promise<void> {
  await drop(daemon, upload)
  const [, id = ''] = await daemon.says(/(r\d+): rejected/)
  const rejected = join(daemon.dir, 'main/.supervisor/rejected', id)
  assert.match(await readFile(join(rejected, 'REASON.txt'), 'utf8'), why)
  const files = await readTree(join(rejected, 'files'))
  assert.deepEqual(Object.values(files).sort(), Object.values(upload).sort(), 'all of it is there')
  // Its empty folder stays while anybody is connected, be it to another test's server.
  const left = await readTree(join(daemon.dir, 'deposit'))
  assert.deepEqual(Object.keys(left), ['DEPOSIT-RESULT.txt'])
  await drop(daemon, { 'good.txt': id })
  await daemon.says(/r\d+: committed/)
  assert.equal(await readFile(join(daemon.dir, 'main/good.txt'), 'utf8'), id)
}

test('a name that the file system of main cannot hold', async (t) => {
  const daemon = await startOnNtfs(t, 'windows_names')
  if (daemon === null) return
  await isRefused(daemon, { 'a:b.txt': 'one', 'fine.txt': 'two' }, /a:b\.txt: .*cannot hold/)
  await isRefused(daemon, { 'sub/what?/x.py': 'x = 1\n' }, /sub\/what\?: .*cannot hold/)
  await isRefused(daemon, { 'trailing.': 'three', 'also ': 'four' }, /also : .*cannot hold/)
  assert.doesNotMatch(daemon.output(), /could not claim/)
})

test('two names that the file system of main does not tell apart', async (t) => {
  const daemon = await startOnNtfs(t, 'ignore_case')
  if (daemon === null) return
  await isRefused(daemon, { 'Data.txt': 'one', 'data.txt': 'two' }, /data\.txt: .*upper from lower/)
})
