import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { startDaemon } from '../harness/daemon.ts'
import { drop, newProgram, readDeposit, startWithProgram } from '../harness/deposit.ts'
import { until } from '../harness/processes.ts'
import { makeProject, projectWith, putProgram, readTree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'
import { ampleTrial } from '../harness/trial.ts'

test('deploy puts files and folders into main as one release, and exits 0 when it is committed', async (t) => {
  const daemon = await startWithProgram(t)
  const from = await makeFolder(t)
  await writeTree(from, {
    'app/main.py': newProgram,
    'app/lib/a.txt': 'a',
    'app/lib/odd \\ na\nme.txt': 'odd',
    'app/__pycache__/x.pyc': 'x',
    'app/half.part': 'x',
    'more/b.txt': 'b',
    'c.txt': 'c',
  })
  const done = await runSupervisor(['deploy', '-C', daemon.dir, 'app/', 'more', 'c.txt'], from)
  assert.equal(done.code, 0, done.stderr)
  assert.match(
    done.stdout,
    /^5 files \(\d+ bytes\) put into the deposit\n[\s\S]*r1: committed, main\.py was down for \d+ ms\n$/,
  )
  assert.match(done.stderr, /left out, by their names: __pycache__, half\.part\n/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), {
    'main.py': newProgram,
    'lib/a.txt': 'a',
    'lib/odd \\ na\nme.txt': 'odd',
    'more/b.txt': 'b',
    'c.txt': 'c',
  })
  assert.deepEqual(await readDeposit(daemon), {})
})

test('deploy leaves alone what else lies in the deposit', async (t) => {
  const daemon = await startWithProgram(t)
  await drop(daemon, { '.hold': '', 'theirs.txt': 'of somebody else' })
  const from = await makeFolder(t)
  await writeTree(from, { 'mine.txt': 'mine' })
  const waiting = runSupervisor(['deploy', '-C', daemon.dir, 'mine.txt'], from)
  // The list is the first that is put there, and then nobody else may put one.
  await until('the list is there', () => existsSync(join(daemon.dir, 'deposit/SHA256SUMS')))
  const second = await runSupervisor(['deploy', '-C', daemon.dir, 'mine.txt'], from)
  assert.equal(second.code, 1)
  assert.match(
    second.stderr,
    /another upload with a SHA256SUMS is under way[\s\S]*rm \S+SHA256SUMS/,
  )
  await rm(join(daemon.dir, 'deposit/.hold'))
  assert.equal((await waiting).code, 0)
  await daemon.says(/r2: committed/)
  const history = await runSupervisor(['history', '--json', '-C', daemon.dir], from)
  assert.deepEqual(
    JSON.parse(history.stdout).map(({ files }: { files: number }) => files),
    [1, 1],
  )
})

test('deploy exits 1 when the release is rejected or rolled back, and says why', async (t) => {
  const daemon = await startWithProgram(t, ampleTrial)
  const from = await makeFolder(t)
  await writeTree(from, { 'main.py': 'x = (\n' })
  const rejected = await runSupervisor(['deploy', '-C', daemon.dir, 'main.py'], from)
  assert.equal(rejected.code, 1)
  assert.match(rejected.stdout, /r1: rejected: main\.py, line 1: SyntaxError/)
  assert.match(rejected.stdout, /main\.py was not stopped\n$/)
  await writeTree(from, { 'main.py': 'raise SystemExit(3)\n' })
  const back = await runSupervisor(['deploy', '--json', '-C', daemon.dir, 'main.py'], from)
  assert.equal(back.code, 1)
  const entry = JSON.parse(back.stdout)
  assert.equal(entry.id, 'r2')
  assert.equal(entry.result, 'rolled-back')
  // The same file again is another release.
  const again = await runSupervisor(['deploy', '--json', '-C', daemon.dir, 'main.py'], from)
  assert.equal(JSON.parse(again.stdout).id, 'r3')
})

test('deploy says what cannot be deployed, and puts nothing', async (t) => {
  const daemon = await startWithProgram(t)
  const from = await makeFolder(t)
  await writeTree(from, { 'one/x.txt': '1', 'two/x.txt': '2' })
  await mkdir(join(from, 'empty'))
  await symlink('/etc/passwd', join(from, 'link'))
  const wrong: [readonly string[], RegExp, number][] = [
    [['nowhere'], /there is no nowhere/, 1],
    [['link'], /link is not a file or folder/, 1],
    [['empty/'], /there is no file in what you named/, 1],
    [['one/', 'two/'], /two files would become x\.txt/, 1],
    [[daemon.dir], /is the project itself/, 1],
    [[join(daemon.dir, 'deposit/')], /is the project itself/, 1],
    [[], /an argument is missing/, 2],
  ]
  for (const [args, message, code] of wrong) {
    const done = await runSupervisor(['deploy', '-C', daemon.dir, ...args], from)
    assert.match(done.stderr, message)
    assert.equal(done.code, code, `${args}`)
  }
  assert.deepEqual(await readDeposit(daemon), {})
})

test('without a daemon the files wait for it, and the exit code is 3', async (t) => {
  const dir = await projectWith(t, 'good')
  const first = await startDaemon(t, dir)
  await first.says(/good is up/)
  await first.end()
  const from = await makeFolder(t)
  await writeTree(from, { 'main.py': newProgram })
  const done = await runSupervisor(['deploy', '-C', dir, 'main.py'], from)
  assert.equal(done.code, 3)
  assert.match(
    done.stderr,
    /1 file \(\d+ bytes\) put into the deposit; they are applied when the daemon starts/,
  )
  await rm(join(dir, 'deposit/SHA256SUMS'))
  const json = await runSupervisor(['deploy', '--json', '-C', dir, 'main.py'], from)
  assert.equal(json.code, 3)
  assert.equal(JSON.parse(json.stdout).files, 1)
  const second = await startDaemon(t, dir)
  await second.says(/r1 out +the new one is up/)
  await writeFile(join(from, 'more.txt'), 'x')
  const args = ['deploy', '--json', '--no-wait', '-C', dir, 'more.txt']
  const { code, stdout } = await runSupervisor(args, from)
  const { files, bytes, manifest } = JSON.parse(stdout)
  assert.deepEqual([code, files, bytes], [0, 1, 1])
  assert.match(manifest, /^[0-9a-f]{64}$/)
})

test('while the operator keeps the program down, deploy does not wait for a trial', async (t) => {
  const daemon = await startWithProgram(t)
  await runSupervisor(['stop'], daemon.dir)
  await writeFile(join(daemon.dir, 'extra.txt'), 'x')
  const held = await runSupervisor(['deploy', 'extra.txt'], daemon.dir)
  assert.equal(held.code, 0)
  assert.match(held.stdout, /applied; the operator has stopped main\.py/)
})

test('root deploys as the owner of the deposit, and follows none of his links', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const dir = await makeProject(t)
  const secret = await makeFolder(t)
  await putProgram('good', join(dir, 'main'))
  const uid = 54_321
  await chmod(dir, 0o777)
  await chown(join(dir, 'main'), uid, uid)
  const daemon = await startDaemon(t, dir, {}, uid)
  await daemon.says(/good is up/)
  await daemon.end()
  await symlink(secret, join(dir, 'deposit/lib'))
  const from = await makeFolder(t)
  await writeTree(from, { 'lib/x.txt': 'x' })
  const done = await runSupervisor(['deploy', '-C', dir, 'lib'], from)
  assert.equal(done.code, 1, done.stdout + done.stderr)
  assert.deepEqual(await readdir(secret), [])
})
