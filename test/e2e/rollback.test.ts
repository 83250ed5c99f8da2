import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathsOf } from '../../src/config.ts'
import { ask } from '../../src/control/client.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { drop, namesIn, newProgram, startWithProgram } from '../harness/deposit.ts'
import { makeProject, programPath, readTree, type Tree } from '../harness/project.ts'

const mainOf = ({ dir }: Daemon) => readTree(join(dir, 'main'))
const rollback = ({ dir }: Daemon, to: string | null = null) =>
  ask('rollback', pathsOf(dir), { to })
const historyOf = async ({ dir }: Daemon) =>
  (await ask('history', pathsOf(dir))).map(({ id, result }) => `${id} ${result}`)

/** Deposits and waits for the commit. */
async function commit(daemon: Daemon, id: string, tree: Tree): Promise<void> {
  await drop(daemon, tree)
  await daemon.says(new RegExp(`${id}: committed`))
}

test('rollback undoes the newest committed release, and the one before it, newest first', async (t) => {
  const daemon = await startWithProgram(t)
  const before = await mainOf(daemon)
  await commit(daemon, 'r1', { 'main.py': newProgram, 'lib/a.txt': 'one', '.wh.nothing': '' })
  const afterOne = await mainOf(daemon)
  await commit(daemon, 'r2', { 'lib/a.txt': 'two', 'pkg/x/y.txt': 'new' })
  await writeFile(join(daemon.dir, 'main/own-data.txt'), 'written by the program')

  assert.deepEqual(await rollback(daemon), { text: 'main/ is back at r1' })
  await daemon.says(/r1 out +the new one is up/)
  assert.deepEqual(await mainOf(daemon), { ...afterOne, 'own-data.txt': 'written by the program' })
  const kept = await readTree(join(daemon.dir, '.supervisor/rejected/r2'))
  assert.deepEqual(Object.keys(kept), ['REASON.txt', 'files/lib/a.txt', 'files/pkg/x/y.txt'])
  assert.match(kept['REASON.txt'] ?? '', /the operator asked for it/)

  await rollback(daemon)
  await daemon.says(/r0 out +good is up/)
  assert.deepEqual(await mainOf(daemon), { ...before, 'own-data.txt': 'written by the program' })
  assert.deepEqual(await historyOf(daemon), ['r2 rolled-back', 'r1 rolled-back'])
  await assert.rejects(rollback(daemon), /nothing to go back to/)

  await commit(daemon, 'r3', { 'main.py': newProgram })
  assert.deepEqual(await historyOf(daemon), ['r3 committed', 'r2 rolled-back', 'r1 rolled-back'])
})

test('rollback ID undoes that release and all after it', async (t) => {
  const daemon = await startWithProgram(t)
  await commit(daemon, 'r1', { 'a.txt': '1' })
  const afterOne = await mainOf(daemon)
  await commit(daemon, 'r2', { 'a.txt': '2', 'b.txt': '2' })
  await commit(daemon, 'r3', { '.wh.a.txt': '', 'c.txt': '3' })
  for (const unknown of ['r4', 'r0', 'r99']) {
    await assert.rejects(rollback(daemon, unknown), /cannot be rolled back/)
  }
  assert.deepEqual(await rollback(daemon, 'r2'), { text: 'main/ is back at r1' })
  assert.deepEqual(await mainOf(daemon), afterOne)
  assert.deepEqual(await historyOf(daemon), ['r3 rolled-back', 'r2 rolled-back', 'r1 committed'])
})

test('rollback during a trial ends it at once', async (t) => {
  const daemon = await startWithProgram(t, { trial: { time: '1h' } })
  const before = await mainOf(daemon)
  await drop(daemon, { 'main.py': newProgram })
  await daemon.says(/r1: applied/)
  await rollback(daemon)
  await daemon.says(/r0 out +good is up/)
  assert.deepEqual(await mainOf(daemon), before)
  assert.deepEqual(await historyOf(daemon), ['r1 rolled-back'])
})

test('rollback to before a committed release takes the one on trial with it', async (t) => {
  const daemon = await startWithProgram(t)
  const before = await mainOf(daemon)
  await commit(daemon, 'r1', { 'a.txt': '1' })
  await ask('stop', pathsOf(daemon.dir))
  await drop(daemon, { 'a.txt': '2' })
  await daemon.says(/r2: applied; main\.py stays stopped/)
  await rollback(daemon, 'r1')
  assert.deepEqual(await mainOf(daemon), before)
  assert.deepEqual(await historyOf(daemon), ['r2 rolled-back', 'r1 rolled-back'])
  assert.equal((await ask('status', pathsOf(daemon.dir))).program.state, 'STOPPED')
})

test('the first program cannot be rolled back: there would be none', async (t) => {
  const daemon = await startDaemon(t, await makeProject(t))
  await daemon.says(/No main\.py/)
  const program = await readFile(programPath('good'), 'utf8')
  await commit(daemon, 'r1', { 'main.py': program })
  await assert.rejects(rollback(daemon), /r1 brought the first main\.py/)
  await commit(daemon, 'r2', { 'main.py': newProgram })
  await assert.rejects(rollback(daemon, 'r1'), /r1 brought the first main\.py/)
  await rollback(daemon)
  await daemon.says(/r1 out +good is up/)
})

test('journals are kept for some releases, within a budget, and what is older is refused', async (t) => {
  const daemon = await startWithProgram(t, { update: { keep_journals: 2, max_journal: '1MB' } })
  const journals = () => namesIn(join(daemon.dir, '.supervisor/journals'))
  for (const id of ['r1', 'r2', 'r3']) await commit(daemon, id, { 'a.txt': id })
  const kept = (await journals()).filter((name) => !name.includes('/'))
  assert.deepEqual(kept, ['r2', 'r3'])
  await assert.rejects(rollback(daemon, 'r1'), /r1 cannot be rolled back/)
  // The journal of a release holds what it replaced: 2 MB here.
  await commit(daemon, 'r4', { 'a.txt': 'x'.repeat(2_000_000) })
  await commit(daemon, 'r5', { 'a.txt': 'small again' })
  assert.deepEqual(
    (await journals()).filter((name) => !name.includes('/')),
    [],
  )
  await assert.rejects(rollback(daemon), /nothing to go back to/)
})
