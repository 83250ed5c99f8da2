import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, passes, startDaemon } from '../harness/daemon.ts'
import {
  answers,
  drop,
  isAlive,
  isEmptied,
  makeUpload,
  namesIn,
  newProgram,
  readDeposit,
  readHistory,
  result,
  startWithProgram,
} from '../harness/deposit.ts'
import { startFtpServer } from '../harness/ftp.ts'
import { until } from '../harness/processes.ts'
import { projectWith, readTree, type Tree, writeSettings, writeTree } from '../harness/project.ts'
import { makeConnectProgram, sftp } from '../harness/sftp.ts'
import { hasTools, makeFolder, run, runWell, type Tool } from '../harness/tools.ts'

/**
 * Long enough that no client on this machine pauses for so long between two files, however busy the
 * machine is: these tests are about whole trees, not about speed.
 */
const quiet = { deposit: { quiet: '1s' } }
const quietMs = 1_000

/** Six folders with a data file each, 32 files in all. */
const newTree: Tree = {
  'main.py': newProgram,
  '.env': 'MODE=new\n',
  ...Object.fromEntries(
    ['app', 'app/parts', 'app/parts/deep', 'lib', 'lib/more', 'with space'].flatMap((folder) => [
      ...['__init__', 'a', 'b', 'c'].map((name) => [`${folder}/${name}.py`, `x = "${name}"\n`]),
      [`${folder}/data.csv`, `${folder},${'0123456789'.repeat(5)}\n`.repeat(2_000)],
    ]),
  ),
}

/** Each way puts all of a folder into the deposit. */
const ways: Record<
  string,
  {
    readonly tools: readonly Tool[]
    readonly upload: (t: TestContext, from: string, daemon: Daemon) => Promise<void>
  }
> = {
  'sftp put -r': {
    tools: ['sftp', 'sftp-server'],
    upload: async (t, from, { dir }) => {
      const names = (await readdir(from)).map((name) => `put -r "${join(from, name)}"`)
      await sftp(t, `cd ${dir}/deposit`, ...names)
    },
  },
  'cp -r': {
    tools: [],
    upload: (_, from, { dir }) => runWell('cp', ['-r', `${from}/.`, `${dir}/deposit`], dir),
  },
  'rsync -a': {
    tools: ['rsync'],
    upload: (_, from, { dir }) => runWell('rsync', ['-a', `${from}/`, `${dir}/deposit`], dir),
  },
  'rsync --delay-updates': {
    tools: ['rsync'],
    upload: (_, from, { dir }) =>
      runWell('rsync', ['-a', '--delay-updates', `${from}/`, `${dir}/deposit`], dir),
  },
  'curl to vsftpd, one connection for each file': {
    tools: ['curl', 'vsftpd'],
    upload: async (t, from, { dir }) => {
      const server = await startFtpServer(t, join(dir, 'deposit'))
      for (const path of Object.keys(await readTree(from))) {
        const url = `${server}/${path.split('/').map(encodeURIComponent).join('/')}`
        await runWell('curl', ['-sS', '--ftp-create-dirs', '-T', join(from, path), url], dir)
      }
    },
  },
  'lftp mirror -R to vsftpd': {
    tools: ['lftp', 'vsftpd'],
    upload: async (t, from, { dir }) => {
      await lftp(t, await startFtpServer(t, join(dir, 'deposit')), `mirror -R ${from} .`)
    },
  },
  'lftp mirror -R to vsftpd, four at a time under temporary names': {
    tools: ['lftp', 'vsftpd'],
    upload: async (t, from, { dir }) => {
      const server = await startFtpServer(t, join(dir, 'deposit'))
      await lftp(t, server, `set xfer:use-temp-file yes; mirror -R --parallel=4 ${from} .`)
    },
  },
  // Over SFTP the file gets its name by link and unlink: no event says that it was renamed.
  'lftp mirror -R to sftp-server, under temporary names': {
    tools: ['lftp', 'sftp-server'],
    upload: async (t, from, { dir }) => {
      const program = await makeConnectProgram(t)
      const settings = `set sftp:connect-program ${program}; set xfer:use-temp-file yes`
      await lftp(t, 'sftp://anyone:none@localhost', `${settings}; mirror -R ${from} ${dir}/deposit`)
    },
  },
}

async function lftp(t: TestContext, server: string, commands: string): Promise<void> {
  await runWell('lftp', lftpArguments(server, commands), await makeFolder(t))
}

function lftpArguments(server: string, commands: string): string[] {
  const settings = 'set net:max-retries 1; set cmd:fail-exit yes'
  return ['--norc', '-c', `${settings}; open ${server}; ${commands}`]
}

for (const [way, { tools, upload }] of Object.entries(ways)) {
  test(`${way}: a tree becomes one release, whole`, async (t) => {
    if (!hasTools(t, ...tools)) return
    const daemon = await startWithProgram(t, quiet)
    await upload(t, await makeUpload(t, newTree), daemon)
    await Promise.all([
      daemon.says(/r1: claimed 32 files/),
      daemon.says(/r1 out +the new one is up/),
      daemon.says(/r1: committed/),
    ])
    assert.deepEqual(await readTree(join(daemon.dir, 'main')), newTree)
    await isEmptied(daemon)
    assert.equal((await readHistory(daemon.dir)).length, 1)
  })
}

test('a slow upload is claimed when it is whole, after several quiet periods', async (t) => {
  if (!hasTools(t, 'curl', 'vsftpd')) return
  const daemon = await startWithProgram(t, quiet)
  const from = await makeUpload(t, { 'main.py': newProgram, 'data.csv': '0123456789'.repeat(1e5) })
  const server = await startFtpServer(t, join(daemon.dir, 'deposit'))
  const send = (name: string) => [
    ...['-sS', '--limit-rate', '200k'],
    ...['-T', join(from, name), `${server}/${name}`],
  ]
  await runWell('curl', send('main.py'), from)
  const began = performance.now()
  await Promise.all([
    runWell('curl', send('data.csv'), from),
    answers(daemon, /the deposit waits: data\.csv is being written/),
  ])
  assert.ok(performance.now() - began > 3 * quietMs, 'the upload was too fast to show anything')
  await daemon.says(/r1: claimed 2 files/)
  await daemon.says(/r1: committed/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), await readTree(from))
})

test('a file that grows under a temporary name holds back what came before it', async (t) => {
  if (!hasTools(t, 'rsync')) return
  const daemon = await startWithProgram(t, quiet)
  const tree = { 'main.py': newProgram, 'zz.csv': '0123456789'.repeat(5e5) }
  const from = await makeUpload(t, tree)
  const began = performance.now()
  const to = join(daemon.dir, 'deposit')
  await runWell('rsync', ['-a', '--bwlimit=1000', `${from}/`, to], from)
  assert.ok(performance.now() - began > 3 * quietMs, 'the upload was too fast to show anything')
  await daemon.says(/r1: claimed 2 files/)
  await daemon.says(/r1: committed/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), tree)
})

test('what a killed client leaves under a temporary name stays in the deposit', async (t) => {
  if (!hasTools(t, 'lftp', 'vsftpd')) return
  const daemon = await startWithProgram(t, { deposit: { orphan: '500ms' } })
  const deposit = join(daemon.dir, 'deposit')
  const from = await makeUpload(t, { 'main.py': `${newProgram}#${'-'.repeat(1e6)}\n` })
  const server = await startFtpServer(t, deposit)
  const commands = `set xfer:use-temp-file yes; set net:limit-rate 100000; put ${from}/main.py`
  const kill = new AbortController()
  const killed = run('lftp', lftpArguments(server, commands), from, kill.signal)
  await until('.in.main.py', async () => (await namesIn(deposit)).includes('.in.main.py'))
  kill.abort()
  await killed
  await drop(daemon, {
    'good.txt': 'good',
    'pkg/.part.py.aB3dE9': 'half',
    'pkg/big.bin.filepart': 'half',
    'pkg/whole.py': 'x = 1\n',
    '.~tmp~/other.py': 'half',
  })
  await daemon.says(/r1: claimed 2 files/)
  await daemon.says(/r1: committed/)
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), [
    'good.txt',
    'main.py',
    'pkg/whole.py',
  ])
  assert.deepEqual(Object.keys(await readDeposit(daemon)), [
    '.in.main.py',
    '.~tmp~/other.py',
    'pkg/.part.py.aB3dE9',
    'pkg/big.bin.filepart',
  ])
})

/** True while the daemon has an inotify watch on the deposit. */
async function isWatching({ pid, dir }: Daemon): Promise<boolean> {
  const mark = ` ino:${(await stat(join(dir, 'deposit'))).ino.toString(16)} `
  const descriptors = await readdir(`/proc/${pid}/fdinfo`)
  const texts = descriptors.map((fd) =>
    readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => ''),
  )
  return (await Promise.all(texts)).some((text) => text.includes(mark))
}

// Some clients write 10 bytes at a time: 100,000 events that would each cost a look at the deposit.
test('while a file grows, no events are listened to, not even under a temporary name', async (t) => {
  const daemon = await startWithProgram(t, { deposit: { orphan: '500ms' } })
  const growing = join(daemon.dir, 'deposit/.in.main.py')
  await until('a watch on the deposit', () => isWatching(daemon))
  await until('an end of the watch', async () => {
    await appendFile(growing, '# more\n')
    return !(await isWatching(daemon))
  })
  await until('a watch on the deposit again', () => isWatching(daemon))
  await rename(growing, join(daemon.dir, 'deposit/notes.txt'))
  await daemon.says(/r1: committed/)
})

test('what editors and Python leave behind is removed, and the answer says so', async (t) => {
  const daemon = await startWithProgram(t)
  await drop(daemon, {
    '__pycache__/main.cpython-311.pyc': 'x',
    '.idea/workspace.xml': '<x/>',
    'pkg/.DS_Store': 'x',
    'pkg/a.py': 'x = 1\n',
  })
  await daemon.says(/r1: committed/)
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), ['main.py', 'pkg/a.py'])
  await isEmptied(daemon)
  const answer = await readFile(join(daemon.dir, 'deposit', result), 'utf8')
  assert.match(answer, /r1: committed/)
  assert.match(answer, /__pycache__/)
})

test('.keep and .gitkeep stay in the deposit, .env is deployed', async (t) => {
  const dir = await projectWith(t, 'good')
  await writeTree(join(dir, 'deposit'), { '.gitkeep': '', 'pkg/.keep': '' })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  await drop(daemon, { '.env': 'A=1\n', 'pkg/.env.sample': 'A=\n' })
  await daemon.says(/r1: committed/)
  const main = await readTree(join(dir, 'main'))
  assert.deepEqual(Object.keys(main), ['.env', 'main.py', 'pkg/.env.sample'])
  assert.deepEqual(Object.keys(await readDeposit(daemon)), ['.gitkeep', 'pkg/.keep'])
})

test('an upload of assets only changes those files and starts the program anew', async (t) => {
  const daemon = await startWithProgram(t)
  const main = join(daemon.dir, 'main')
  await writeTree(main, { 'state/counter.txt': '17', 'assets/a.json': '{}', 'assets/b.json': '{}' })
  const before = await readTree(main)
  const deposited = { 'assets/b.json': '{"b":2}', 'assets/new/c.json': '{"c":3}' }
  await drop(daemon, deposited)
  await passes(daemon, 'r1', /good is up/)
  assert.deepEqual(await readTree(main), { ...before, ...deposited })
})

test('a second upload while the first is on trial ends that trial', async (t) => {
  const daemon = await startWithProgram(t, { trial: { time: '5min' } })
  await drop(daemon, { 'main.py': newProgram, 'one.txt': '1' })
  await daemon.says(/r1: applied/)
  await drop(daemon, { 'main.py': 'print("done")\n', 'two.txt': '2' })
  await daemon.says(/r1: its trial is ended by r2/)
  await daemon.says(/r2: committed \(main\.py reached its end/)
  assert.deepEqual(await readTree(join(daemon.dir, 'main')), {
    'main.py': 'print("done")\n',
    'one.txt': '1',
    'two.txt': '2',
  })
  assert.deepEqual(
    (await readHistory(daemon.dir)).map(({ id, result }) => `${id} ${result}`),
    ['r1 committed', 'r2 committed'],
  )
})

test('a deposit that is deleted is made again, and uploads are found in it', async (t) => {
  const daemon = await startWithProgram(t)
  const deposit = join(daemon.dir, 'deposit')
  await isAlive(daemon, 'r1')
  await rm(deposit, { recursive: true })
  await daemon.says(/deposit was gone; made it again/)
  await isAlive(daemon, 'r2')
  // By somebody else, and faster than the daemon may look.
  await rm(deposit, { recursive: true })
  await mkdir(deposit, { recursive: true })
  await isAlive(daemon, 'r3')
})

test('a deposit that is renamed away and back is found again', async (t) => {
  const daemon = await startWithProgram(t)
  const deposit = join(daemon.dir, 'deposit')
  const away = join(daemon.dir, 'away')
  await rename(deposit, away)
  await daemon.says(/deposit was gone; made it again/)
  await writeTree(away, { 'meanwhile.txt': 'x' })
  await rename(away, deposit)
  await daemon.says(/r1: committed/)
  await isAlive(daemon, 'r2')
  // At once: what watches the folder sees it go, but the daemon finds the same one in its place.
  await rename(deposit, away)
  await rename(away, deposit)
  await isAlive(daemon, 'r3')
})

test('a deposit that is replaced by a link is refused, and used again when it is a folder', async (t) => {
  const daemon = await startWithProgram(t)
  const deposit = join(daemon.dir, 'deposit')
  // While it stands still: it makes a deposit that is missing again.
  process.kill(daemon.pid, 'SIGSTOP')
  await rename(deposit, join(daemon.dir, 'elsewhere'))
  await symlink('elsewhere', deposit)
  process.kill(daemon.pid, 'SIGCONT')
  await writeTree(join(daemon.dir, 'elsewhere'), { 'trap.txt': 'x' })
  await daemon.says(/cannot read .*deposit: it is not a folder but a link or a file/)
  await rm(deposit)
  await rm(join(daemon.dir, 'elsewhere/trap.txt'))
  await rename(join(daemon.dir, 'elsewhere'), deposit)
  await isAlive(daemon, 'r1')
})

test('a deposit deleted in the middle of an upload loses nothing but that upload', async (t) => {
  const daemon = await startWithProgram(t, { deposit: { quiet: '1min' } })
  const deposit = join(daemon.dir, 'deposit')
  await writeTree(deposit, { 'pkg/half.py': 'x' })
  await rm(deposit, { recursive: true })
  await daemon.says(/deposit was gone; made it again/)
  await writeSettings(daemon.dir)
  assert.equal((await runSupervisor(['reload'], daemon.dir)).code, 0)
  await isAlive(daemon, 'r1')
  assert.deepEqual(Object.keys(await readTree(join(daemon.dir, 'main'))), ['main.py', 'r1.txt'])
})

test('2,000 files in 50 new folders are all claimed, each once', async (t) => {
  // With the short quiet period of the fast settings, claims may well fall into the upload.
  const daemon = await startWithProgram(t)
  const tree = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, n) => [`d${n % 50}/sub/f${n}.txt`, `content of ${n}\n`]),
  )
  const from = await makeUpload(t, tree)
  await runWell('cp', ['-r', `${from}/.`, join(daemon.dir, 'deposit')], from)
  const claimedSoFar = async () => {
    const entries = await readHistory(daemon.dir)
    return entries.reduce((sum, { files }) => sum + files, 0)
  }
  await until('2,000 files in the history', async () => (await claimedSoFar()) >= 2_000)
  assert.equal(await claimedSoFar(), 2_000)
  const { 'main.py': _, ...others } = await readTree(join(daemon.dir, 'main'))
  assert.deepEqual(others, tree)
  assert.deepEqual(await readDeposit(daemon), {})
  assert.ok((await readHistory(daemon.dir)).every(({ result }) => result === 'committed'))
})
