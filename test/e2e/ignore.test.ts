import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { passes } from '../harness/daemon.ts'
import { drop, isAlive, newProgram, startWithProgram } from '../harness/deposit.ts'
import { readTree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

/** `deposit.ignore`: names that are left alone, whatever else they say. */

const settings = { deposit: { ignore: ['*.csv', 'notes', '*.pyc', '*.part'] } }

test('what is ignored stays in the deposit, is never deployed, and holds nothing up', async (t) => {
  const daemon = await startWithProgram(t, settings)
  const deposit = join(daemon.dir, 'deposit')
  const left = { 'a.csv': '1', 'lib/b.csv': '2', 'notes/todo.py': '3', 'c.pyc': '4', 'd.part': '5' }
  await writeTree(deposit, left)
  // It grows all the time, as what nobody waits for may do.
  const growing = setInterval(() => void appendFile(join(deposit, 'a.csv'), '1'), 20)
  t.after(() => clearInterval(growing))
  await drop(daemon, { 'main.py': newProgram, 'lib/x.py': '' })
  await passes(daemon, 'r1', /the new one is up/)
  clearInterval(growing)
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), ['lib/x.py', 'main.py'])
  const kept = Object.keys(await readTree(deposit)).filter((path) => path !== 'DEPOSIT-RESULT.txt')
  assert.deepEqual(kept, Object.keys(left).toSorted())
  assert.doesNotMatch(daemon.output(), /removed from the deposit|d\.part/)
  await isAlive(daemon, 'r2')
})

test('what is ignored is not deployed out of an archive either', async (t) => {
  const daemon = await startWithProgram(t, settings)
  const from = await makeFolder(t)
  await writeTree(from, { 'main.py': newProgram, 'a.csv': '1', 'notes/todo.py': '2', 'x.txt': '' })
  execFileSync(
    'python3',
    ['-m', 'zipfile', '-c', 'deposit.zip', 'main.py', 'a.csv', 'notes', 'x.txt'],
    {
      cwd: from,
    },
  )
  execFileSync('mv', [join(from, 'deposit.zip'), join(daemon.dir, 'deposit')])
  await daemon.says(/r1: committed/)
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), ['main.py', 'x.txt'])
})
