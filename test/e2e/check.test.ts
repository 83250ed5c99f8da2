import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/cleanup.ts'
import { runSupervisor } from '../harness/command.ts'
import { startDaemon } from '../harness/daemon.ts'
import { projectWith, type Tree, writeTree } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'

/** What `check --json` answers. */
type Answer = {
  readonly deposit: {
    readonly waitingFor: { readonly because: string; readonly text: string } | null
    readonly files: readonly string[]
    readonly bytes: number
    readonly forecast: {
      readonly is: string
      readonly why?: string
      readonly counts?: unknown
      readonly warnings?: readonly string[]
    }
    readonly junk: readonly string[]
    readonly unseen: readonly string[]
  }
  readonly settings: Readonly<Record<string, Record<string, { value: unknown; from: string }>>>
}

async function check(dir: string, exitCode: number, uid?: number): Promise<Answer> {
  const done = await runSupervisor(['check', '--json'], dir, {}, uid)
  assert.equal(done.code, exitCode, done.stderr || done.stdout)
  assert.equal(done.stderr, '')
  return JSON.parse(done.stdout) as Answer
}

/** Everything below a folder, with what would tell that it was touched. */
function traces(dir: string): string[] {
  return [
    dir,
    ...readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((it) => join(dir, it)),
  ]
    .sort()
    .map((path) => {
      const { ino, mode, uid, size, mtimeMs, ctimeMs } = lstatSync(path)
      return [path, ino, mode, uid, size, mtimeMs, ctimeMs].join(' ')
    })
}

/** A project with a running program in main, and things in the deposit that are quiet already. */
async function withDeposit(t: TestContext, deposit: Tree, main: Tree = {}): Promise<string> {
  const dir = await projectWith(t, 'good', {}, main)
  await mkdir(join(dir, 'deposit'))
  await writeTree(join(dir, 'deposit'), deposit)
  return dir
}

test('in a folder where no daemon ever ran there is nothing, and it stays so', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-'))
  afterwards(t, () => rm(dir, { recursive: true }))
  const done = await runSupervisor(['check'], dir)
  assert.deepEqual(done, {
    code: 0,
    stdout: 'deposit   nothing would be claimed\nsettings  all are the defaults\n',
    stderr: '',
  })
  assert.deepEqual(readdirSync(dir), [])
})

test('files that would be applied: which, how many of each kind, and what is odd', async (t) => {
  const dir = await withDeposit(
    t,
    {
      'main.py': 'import nobody_has\n',
      'lib/a.py': 'A = 2\n',
      'lib/b.py': '',
      'pkg/deep/c.py': '',
      '.wh.old': '',
      'x.pyc': '',
      '.gitkeep': '',
      'DEPOSIT-RESULT.txt': '',
    },
    { 'lib/a.py': 'A = 1\n', 'old/x': '', 'old/deep/y': '', 'data.txt': '' },
  )
  const before = traces(dir)
  const { deposit } = await check(dir, 0)
  assert.deepEqual(deposit.files.toSorted(), [
    '.wh.old',
    'lib/a.py',
    'lib/b.py',
    'main.py',
    'pkg/deep/c.py',
  ])
  assert.equal(deposit.bytes, 24)
  assert.deepEqual(deposit.forecast, {
    is: 'applied',
    counts: { added: 2, replaced: 2, deleted: 2 },
    warnings: ['main.py, line 1: no module named nobody_has here'],
  })
  assert.deepEqual(deposit.junk, ['x.pyc'])
  assert.deepEqual(deposit.unseen, [])
  const text = (await runSupervisor(['check'], dir)).stdout
  assert.match(text, /would be applied: 2 new, 2 replaced, 2 deleted\n +WARNING: main\.py, line 1/)
  assert.match(text, /would be removed, and never deployed: x\.pyc/)
  assert.deepEqual(traces(dir), before)
})

/** Uploads, and what check says of each; the daemon must come to the same. */
const uploads: Readonly<Record<string, { readonly deposit: Tree; readonly is: string }>> = {
  'a good program': { deposit: { 'main.py': 'print(1)\n', 'lib.py': '' }, is: 'applied' },
  'a module of its own': { deposit: { 'main.py': 'import lib\n', 'lib.py': '' }, is: 'applied' },
  'a whiteout of nothing': { deposit: { '.wh.nothing': '', 'x.txt': '' }, is: 'applied' },
  'a syntax error': { deposit: { 'lib.py': 'def (\n' }, is: 'refused' },
  'a file over a folder': { deposit: { data: '' }, is: 'refused' },
  'a whiteout of main.py': { deposit: { '.wh.main.py': '' }, is: 'refused' },
  'an environment': { deposit: { 'env/pyvenv.cfg': '' }, is: 'refused' },
  'a name of ours': { deposit: { 'x/.supervisor': '' }, is: 'refused' },
  'sums that are nonsense': { deposit: { 'main.py': '', SHA256SUMS: 'x\n' }, is: 'refused' },
}

for (const [what, { deposit, is }] of Object.entries(uploads)) {
  test(`check and the daemon say the same of ${what}`, async (t) => {
    const dir = await withDeposit(t, deposit, { 'data/x': '' })
    await writeFile(join(dir, 'supervisor.toml'), '[verify]\nrepair = "0s"\n[trial]\ntime = "1s"\n')
    const before = traces(dir)
    const { forecast } = (await check(dir, is === 'applied' ? 0 : 1)).deposit
    assert.deepEqual(traces(dir), before)
    assert.equal(forecast.is, is)
    const daemon = await startDaemon(t, dir)
    await daemon.says(is === 'applied' ? /r1: committed/ : /r1: rejected/)
    if (forecast.why !== undefined) {
      assert.ok(daemon.output().includes(`r1: rejected: ${forecast.why}`), forecast.why)
    }
    for (const warning of forecast.warnings ?? []) {
      assert.ok(daemon.output().includes(`WARNING: r1: ${warning}`), warning)
    }
    assert.equal(await daemon.end(), 0)
    assert.deepEqual(await outcomesOf(dir), [is === 'applied' ? 'r1 committed' : 'r1 rejected'])
  })
}

test('a symbolic link is refused, and not followed', async (t) => {
  const dir = await withDeposit(t, {})
  symlinkSync('/etc/passwd', join(dir, 'deposit/link.py'))
  const { forecast } = (await check(dir, 1)).deposit
  assert.match(forecast.why ?? '', /link\.py is a symbolic link/)
})

test('what it waits for is told, and how it would go as it lies there', async (t) => {
  const dir = await withDeposit(t, { 'main.py': 'print(1)\n' })
  const writer = await open(join(dir, 'deposit/main.py'), 'a')
  const busy = (await check(dir, 0)).deposit
  await writer.close()
  assert.equal(busy.waitingFor?.because, 'writer')
  assert.equal(busy.waitingFor?.text, 'the deposit waits: main.py is being written')
  assert.equal(busy.forecast.is, 'applied')
  await writeTree(join(dir, 'deposit'), { '.hold': '', 'lib.py': 'def (' })
  const held = (await check(dir, 1)).deposit
  assert.equal(held.waitingFor?.because, 'marker')
  assert.match(held.forecast.why ?? '', /lib\.py, line 1: SyntaxError/)
  const text = (await runSupervisor(['check'], dir)).stdout
  assert.match(text, /the deposit waits: \.hold says so[\s\S]*as it lies there now: 2 files/)
  assert.match(text, /would be rejected: lib\.py, line 1: SyntaxError/)
})

test('a file under a temporary name is waited for, unless nobody touched it for long', async (t) => {
  const dir = await withDeposit(t, { 'main.py.part': 'print(1)\n' })
  const young = (await check(dir, 0)).deposit
  assert.equal(young.waitingFor?.because, 'temporary')
  assert.equal(young.forecast.is, 'nothing')
  await writeTree(join(dir, 'deposit'), { 'main.py': 'print(1)\n' })
  await writeFile(join(dir, 'supervisor.toml'), '[deposit]\norphan = "0s"\n')
  const old = (await check(dir, 0)).deposit
  assert.notEqual(old.waitingFor?.because, 'temporary')
  assert.deepEqual(old.files, ['main.py'])
})

test('with a list of sums it is what the list says', async (t) => {
  const dir = await withDeposit(t, { 'main.py': 'import late\n', 'late.py': '' })
  const sums = execFileSync('sha256sum', ['main.py'], {
    cwd: join(dir, 'deposit'),
    encoding: 'utf8',
  })
  await writeTree(join(dir, 'deposit'), { SHA256SUMS: sums })
  const whole = (await check(dir, 0)).deposit
  assert.deepEqual([whole.waitingFor, whole.files], [null, ['main.py']])
  // It lies in the deposit, but would not come along.
  assert.deepEqual(whole.forecast.warnings, ['main.py, line 1: no module named late here'])
  await writeTree(join(dir, 'deposit'), { 'main.py': 'changed\n' })
  const open = (await check(dir, 0)).deposit
  assert.match(open.waitingFor?.text ?? '', /main\.py does not have the sum that is listed/)
  assert.equal(open.forecast.is, 'nothing')
})

test('an archive is one release, and is not looked into', async (t) => {
  const dir = await withDeposit(t, { 'deposit.zip': 'no archive', 'other.txt': '' })
  const { files, forecast } = (await check(dir, 0)).deposit
  assert.deepEqual([files, forecast.is], [['deposit.zip'], 'archive'])
})

test('a name that is not UTF-8 is refused as the daemon does it', async (t) => {
  const dir = await withDeposit(t, {})
  const name = Buffer.concat([Buffer.from(join(dir, 'deposit/caf')), Buffer.from([0xe9, 0x2e])])
  await writeFile(name, '')
  assert.match((await check(dir, 1)).deposit.forecast.why ?? '', /its name is not UTF-8/)
})

test('while a daemon runs it may be asked, and nobody is disturbed', async (t) => {
  const dir = await withDeposit(t, {})
  const daemon = await startDaemon(t, dir)
  await daemon.says(/good is up/)
  await writeTree(join(dir, 'deposit'), { '.hold': '', 'main.py': 'print(1)\n' })
  await daemon.says(/\.hold says so/)
  const { deposit } = await check(dir, 0)
  assert.equal(deposit.forecast.is, 'applied')
  await rm(join(dir, 'deposit/.hold'))
  await daemon.says(/r1: committed/)
  assert.equal(await daemon.end(), 0)
})

test('settings: which are not the defaults, and where they come from', async (t) => {
  const dir = await withDeposit(t, {})
  const text =
    '[program]\nstop = "20s"\nenv.KEY = "secret-value"\nrestart = "on-failure"\n\n[deposit]\nkeep = []\n' +
    '[health]\nhttp = "http://me:secret-value@127.0.0.1/"\n'
  await writeFile(join(dir, 'supervisor.toml'), text)
  const { stdout } = await runSupervisor(['check'], dir)
  assert.match(stdout, /program\.stop = "20s" {2}\(supervisor\.toml:2; default "10s"\)/)
  assert.match(
    stdout,
    /program\.env = \{ KEY = "\*\*\*" \} {2}\(supervisor\.toml:3; default \{\}\)/,
  )
  assert.match(
    stdout,
    /deposit\.keep = \[\] {2}\(supervisor\.toml:7; default \["\.keep", "\.gitkeep"\]\)/,
  )
  assert.match(stdout, /health\.http = "http:\/\/\*\*\*@127\.0\.0\.1\/" {2}/)
  assert.doesNotMatch(stdout, /restart|secret-value/)
  const { settings } = await check(dir, 0)
  assert.deepEqual(settings['program']?.['stop'], { value: '20s', from: 'supervisor.toml:2' })
  assert.deepEqual(settings['program']?.['restart'], {
    value: 'on-failure',
    from: 'supervisor.toml:4',
  })
  assert.deepEqual(settings['program']?.['env'], {
    value: { KEY: '***' },
    from: 'supervisor.toml:3',
  })
  assert.deepEqual(settings['trial']?.['time'], { value: '10s', from: 'default' })
  await writeFile(join(dir, 'supervisor.toml'), 'trial = { time = "1s" }\n')
  assert.deepEqual((await check(dir, 0)).settings['trial']?.['time'], {
    value: '1s',
    from: 'supervisor.toml',
  })
})

test('what is wrong with the settings, or with the folder, is told as anywhere', async (t) => {
  const dir = await withDeposit(t, {})
  const before = traces(dir)
  const wrong: [string, number, RegExp][] = [
    ['[trial]\ntime = 1\n', 2, /toml:2: trial\.time: expected a duration/],
    ['program.python = "./nowhere"\n', 1, /program\.python: \S+\/nowhere: it is not there/],
    ['program.user = "no-such-user"\n', 1, /there is no user no-such-user/],
  ]
  for (const [text, code, message] of wrong) {
    await writeFile(join(dir, 'supervisor.toml'), text)
    const done = await runSupervisor(['check'], dir)
    assert.deepEqual([done.code, done.stdout], [code, ''])
    assert.match(done.stderr, message)
  }
  assert.equal(traces(dir).length, before.length)
  await rm(join(dir, 'supervisor.toml'))
  const nowhere = await runSupervisor(['check', '-C', join(dir, 'nowhere')], dir)
  assert.equal(nowhere.code, 1)
  assert.match(nowhere.stderr, /there is no directory \S+\/nowhere/)
  await rm(join(dir, 'deposit'), { recursive: true })
  symlinkSync('main', join(dir, 'deposit'))
  const linked = await runSupervisor(['check'], dir)
  assert.equal(linked.code, 1)
  assert.match(linked.stderr, /cannot read \S+\/deposit: it is not a folder but a link/)
})

const nobody = 65_534

/** True when tests can run it as another user. Else the test is skipped, and says why. */
function isRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true
  t.skip('needs root: it runs the daemon as another user')
  return false
}

test('as another user it works as far as it can see, and says what it cannot', async (t) => {
  if (!isRoot(t)) return
  const dir = await withDeposit(t, { 'main.py': 'print(1)\n', 'a.txt': '' })
  await chmod(dir, 0o755)
  const open = (await check(dir, 0, nobody)).deposit
  assert.equal(open.forecast.is, 'applied')
  assert.match(open.unseen.join(), /whether anybody still writes files that belong to another user/)
  await chmod(join(dir, 'deposit/a.txt'), 0o600)
  const closed = (await check(dir, 1, nobody)).deposit
  assert.equal(closed.forecast.is, 'unknown')
  assert.equal(closed.unseen[0], join(dir, 'deposit/a.txt'))
  await chmod(join(dir, 'deposit'), 0o700)
  assert.deepEqual((await check(dir, 1, nobody)).deposit.unseen, [join(dir, 'deposit')])
  await chmod(join(dir, 'deposit'), 0o755)
  await chmod(join(dir, 'main'), 0o711)
  const text = await runSupervisor(['check'], dir, {}, nobody)
  assert.equal(text.code, 1)
  assert.match(text.stdout, new RegExp(`this user cannot see: ${join(dir, 'main')}\n`))
  await chmod(join(dir, 'main'), 0o700)
  await chmod(join(dir, 'supervisor.toml'), 0o600)
  const unread = await runSupervisor(['check'], dir, {}, nobody)
  assert.equal(unread.code, 2)
  assert.match(unread.stderr, /supervisor\.toml cannot be read: EACCES/)
  await chmod(join(dir, 'supervisor.toml'), 0o644)
  const shut = await runSupervisor(['check'], dir, {}, nobody)
  assert.equal(shut.code, 1)
  assert.match(shut.stderr, /EACCES: permission denied, .*main/)
})

test('a folder that is closed even to its owner is told, and not opened', async (t) => {
  if (!isRoot(t)) return
  const dir = await withDeposit(t, { 'main.py': 'print(1)\n' })
  mkdirSync(join(dir, 'deposit/shut'))
  await chmod(join(dir, 'deposit/shut'), 0)
  execFileSync('chown', ['-R', `${nobody}:${nobody}`, dir])
  const before = traces(dir)
  const { deposit } = await check(dir, 1, nobody)
  assert.deepEqual(deposit.unseen, [join(dir, 'deposit/shut')])
  assert.deepEqual(traces(dir), before)
})

test('a clock that was wrong when the files came is no reason to wait for ever', async (t) => {
  const dir = await withDeposit(t, { 'main.py': 'print(1)\n' })
  await utimes(join(dir, 'deposit/main.py'), new Date(), new Date(Date.now() + 1e10))
  const { waitingFor } = (await check(dir, 0)).deposit
  // Uploads of tests beside this one are connections of this user too.
  const passing = ['quiet', 'session', 'connection']
  assert.ok(waitingFor === null || passing.includes(waitingFor.because), waitingFor?.because)
})
