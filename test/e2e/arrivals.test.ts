import assert from 'node:assert/strict'
import { chmod, chown, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, openSftp, startClient, type Way, ways } from '../harness/client.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import {
  answers,
  makeUpload,
  newProgram,
  readHistory,
  startWithProgram,
} from '../harness/deposit.ts'
import { startFtpServer } from '../harness/ftp.ts'
import type { FtpServer } from '../harness/ftp-settings.ts'
import { until } from '../harness/processes.ts'
import { makeProject, putProgram, readTree, type Settings, type Tree } from '../harness/project.ts'
import { hasTools, runWell } from '../harness/tools.ts'

// Left out: clients from npm. They speak the same protocols to the same servers, and would be two more
// dependencies.

/** So short that every client is slower: what is claimed whole owes nothing to a timer. */
const hasty = { deposit: { quiet: '20ms', session_quiet: '20ms' } }

/** A session that stays open is waited for, if it must be, for longer than any test takes. */
const patient = { deposit: { quiet: '100ms', session_quiet: '10min' } }

/** 50 files in six folders. */
const tree: Tree = {
  'main.py': newProgram,
  ...Object.fromEntries(
    Array.from({ length: 49 }, (_, n) => {
      const name = `d${n % 6}/f${n}`
      return n % 2 === 0 ? [`${name}.py`, `x = ${n}\n`] : [`${name}.csv`, `${n},`.repeat(9_000)]
    }),
  ),
}

/** A program of a megabyte that does not compile when anything is missing at its end. */
const filling = Array<string>(20_000).fill('x'.repeat(49))
const longProgram = ['data = """', ...filling, '"""', newProgram].join('\n')

/** So slow that there is time to step in while a megabyte is on its way. */
const slow = { rate: 300_000 }

async function mainOf({ dir }: Daemon): Promise<Tree> {
  return readTree(join(dir, 'main'))
}

function depositOf({ dir }: Daemon, ...names: string[]): string {
  return join(dir, 'deposit', ...names)
}

/** Waits until some of a slow upload lies in the deposit, under whatever name. */
function halfIn(daemon: Daemon, bytes = 300_000): Promise<void> {
  return until('the first half of a file in the deposit', async () => {
    const names = await readdir(depositOf(daemon), { recursive: true })
    const sizes = names.map((name) => stat(depositOf(daemon, name)).catch(() => null))
    return (await Promise.all(sizes)).some((one) => one?.isFile() && one.size >= bytes)
  })
}

function claims(daemon: Daemon): number {
  return daemon.output().match(/: claimed /g)?.length ?? 0
}

/** Waits for the end of one release and asserts that it is the only one, and whole. */
async function isOneSwap(daemon: Daemon, from: string): Promise<void> {
  await daemon.says(/r1: committed/, 30_000)
  assert.equal((await readHistory(daemon.dir)).length, 1)
  assert.deepEqual(await mainOf(daemon), await readTree(from))
}

const concurrency = 4

describe('a tree of 50 files is one swap, whole, with hardly a quiet period', {
  concurrency,
}, () => {
  for (const [name, way] of Object.entries(ways)) {
    test(name, async (t) => {
      if (!hasTools(t, ...way.tools)) return
      // A connection may pause for as long as it likes: on a busy machine it does.
      const daemon = await startWithProgram(t, {
        deposit: { quiet: '20ms', session_quiet: '1min' },
      })
      const from = await makeUpload(t, tree)
      const client = await way.start(t, from, depositOf(daemon))
      await client.succeeds()
      await isOneSwap(daemon, from)
    })
  }
})

/** Uploads slowly, stops the client in mid-file for a while, and asserts that nothing is claimed then. */
async function isHeldInStall(
  t: TestContext,
  daemon: Daemon,
  way: Way,
  uid?: number,
): Promise<void> {
  const from = await makeUpload(t, { 'main.py': longProgram })
  await chmod(join(from, '..'), 0o755)
  const how = uid === undefined ? slow : { ...slow, uid }
  const client = await way.start(t, from, depositOf(daemon), how)
  await halfIn(daemon)
  client.signal('SIGSTOP')
  await daemon.says(
    /the deposit waits: \S*main\.py\S* is (being written|an upload under)|connection is open/,
  )
  // Many quiet periods, and longer than the pauses that clients make.
  await sleep(2_500)
  assert.equal(claims(daemon), 0, 'claimed in the stall')
  assert.match((await mainOf(daemon))['main.py'] ?? '', /good is up/)
  client.signal('SIGCONT')
  await client.succeeds()
  await isOneSwap(daemon, from)
}

describe('a client that stalls in mid-file is waited for', { concurrency }, () => {
  for (const [name, way] of Object.entries(ways)) {
    test(name, async (t) => {
      if (!hasTools(t, ...way.tools)) return
      await isHeldInStall(t, await startWithProgram(t, hasty), way)
    })
  }
})

/** A daemon of some user, with a deposit of some user that is open for all. */
async function startAs(t: TestContext, uid: number | undefined, owner: number): Promise<Daemon> {
  const dir = await makeProject(t, hasty)
  await chmod(dir, 0o755)
  await putProgram('good', join(dir, 'main'))
  await mkdir(join(dir, 'deposit'))
  if (uid !== undefined) await runWell('chown', ['-R', `${uid}:${uid}`, dir], dir)
  await chown(join(dir, 'deposit'), owner, owner)
  await chmod(join(dir, 'deposit'), 0o777)
  const daemon = await startDaemon(t, dir, {}, uid)
  await daemon.says(/r0 out +good is up/)
  return daemon
}

// Users that every Debian has: vsftpd wants a name.
const uploader = 65_534
const stranger = 1

const users: Readonly<Record<string, { readonly uid?: number; readonly guarantee: RegExp }>> = {
  root: { guarantee: /uploads: exact/ },
  'the user who uploads': { uid: uploader, guarantee: /uploads: exact/ },
  'another user': {
    uid: stranger,
    guarantee: /uploads: by waiting for the upload connection to end, because .*uid 65534/,
  },
}

describe('no half file is taken, whoever the daemon runs as', { concurrency }, () => {
  for (const [user, { uid, guarantee }] of Object.entries(users)) {
    for (const name of ['sftp', 'rsync --inplace', 'curl to vsftpd']) {
      test(`${user}, ${name}`, async (t) => {
        const way = ways[name]
        if (way === undefined || !hasTools(t, ...way.tools)) return
        if (process.getuid?.() !== 0) {
          t.skip('needs root: it runs programs as other users')
          return
        }
        const daemon = await startAs(t, uid, uploader)
        assert.match(daemon.output(), guarantee)
        await isHeldInStall(t, daemon, way, uploader)
      })
    }
  }
})

/** Each resumes an upload of one file where it broke off. */
const resumable: Readonly<
  Record<
    string,
    {
      readonly way: string
      readonly resume: (t: TestContext, from: string, daemon: Daemon) => Promise<Client>
    }
  >
> = {
  'sftp, reput': {
    way: 'sftp',
    async resume(t, from, daemon) {
      const client = await openSftp(t)
      client.type(`reput ${from} ${depositOf(daemon, 'main.py')}`)
      client.type('quit')
      return client
    },
  },
  'curl -C -': {
    way: 'curl to vsftpd',
    async resume(t, from, daemon) {
      const server = await startFtpServer(t, depositOf(daemon))
      return startClient(t, 'curl', ['-sS', '-C', '-', '-T', from, `${server}/main.py`])
    },
  },
  'lftp put -c': { way: 'lftp to vsftpd', resume: lftpContinues('vsftpd') },
  // Pure-FTPd gives the file a temporary name meanwhile, and then its own back.
  'lftp put -c to Pure-FTPd': {
    way: 'lftp to Pure-FTPd',
    resume: lftpContinues('pure-ftpd'),
  },
}

function lftpContinues(kind: FtpServer) {
  return async (t: TestContext, from: string, daemon: Daemon): Promise<Client> => {
    const server = await startFtpServer(t, depositOf(daemon), undefined, kind)
    return startClient(t, 'lftp', ['--norc', '-c', `open ${server}; put -c ${from} -o main.py`])
  }
}

async function breakOff(t: TestContext, daemon: Daemon, way: Way): Promise<string> {
  const from = await makeUpload(t, { 'main.py': longProgram })
  const client = await way.start(t, from, depositOf(daemon), slow)
  await halfIn(daemon)
  client.signal('SIGKILL')
  await daemon.says(/the deposit waits for a correction: .*main\.py/)
  await answers(daemon, /waits for a correction: .*main\.py/)
  assert.ok((await stat(depositOf(daemon, 'main.py'))).size < longProgram.length)
  assert.match((await mainOf(daemon))['main.py'] ?? '', /good is up/)
  return from
}

describe('an upload that breaks off in a Python file', { concurrency }, () => {
  for (const [name, { way, resume }] of Object.entries(resumable)) {
    const by = ways[way]
    test(`is held, and claimed when it is resumed: ${name}`, async (t) => {
      if (by === undefined || !hasTools(t, ...by.tools)) return
      const daemon = await startWithProgram(t)
      const from = await breakOff(t, daemon, by)
      const client = await resume(t, join(from, 'main.py'), daemon)
      await client.succeeds()
      await Promise.all([daemon.says(/out +the new one is up/), daemon.says(/committed/)])
      assert.deepEqual(await mainOf(daemon), await readTree(from))
    })
  }

  test('is refused when nobody mends it, and kept', async (t) => {
    const way = ways['sftp']
    if (way === undefined || !hasTools(t, ...way.tools)) return
    const daemon = await startWithProgram(t, { verify: { repair: '5s' } })
    await breakOff(t, daemon, way)
    const [, id] = await daemon.says(/(r\d+): rejected: .*main\.py/)
    const kept = join(daemon.dir, `.supervisor/rejected/${id}/files/main.py`)
    assert.ok(longProgram.startsWith(await readFile(kept, 'utf8')))
    assert.match((await mainOf(daemon))['main.py'] ?? '', /good is up/)
  })
})

describe('connections that stay open, markers, lists and archives', { concurrency }, () => {
  const needs = ['sftp', 'sftp-server'] as const

  async function start(t: TestContext, settings: Settings, how = {}): Promise<[Daemon, Client]> {
    const daemon = await startWithProgram(t, settings)
    const client = await openSftp(t, how)
    client.type(`cd ${depositOf(daemon)}`)
    return [daemon, client]
  }

  test('a window that stays open: its uploads go on working during claims and after them', async (t) => {
    if (!hasTools(t, ...needs)) return
    const [daemon, client] = await start(t, { deposit: { quiet: '20ms', session_quiet: '60ms' } })
    const from = await makeUpload(t, tree)
    client.type(`put -r ${from}/d0 .`)
    await daemon.says(/r1: claimed/)
    client.type('cd d0')
    for (let n = 0; n < 60; n += 1) {
      client.type(`put ${from}/d1/f1.csv more${n}.csv`)
      // Claims fall into the series: while the next files come, and between them.
      if (n % 10 === 9) await daemon.says(/: claimed/)
      else await sleep(5)
    }
    client.type('quit')
    await client.succeeds()
    const whole = tree['d1/f1.csv']
    await until('all of the series in main, whole', async () => {
      const main = await mainOf(daemon)
      return Array.from({ length: 60 }, (_, n) => main[`d0/more${n}.csv`]).every((x) => x === whole)
    })
  })

  test('a refused folder that stays while a window is open does not spoil the next upload', async (t) => {
    if (!hasTools(t, ...needs)) return
    const [daemon, client] = await start(t, { deposit: { quiet: '20ms', session_quiet: '60ms' } })
    const from = await makeUpload(t, { 'main.py/in.txt': 'x', 'good.txt': 'good' })
    client.type(`put -r ${from}/main.py .`)
    await daemon.says(/r1: rejected: main\.py/)
    client.type(`put ${from}/good.txt .`)
    await daemon.says(/r2: committed/)
    assert.equal((await mainOf(daemon))['good.txt'], 'good')
  })

  test('what is never deployed is not removed while it is uploaded, and the rest is waited for', async (t) => {
    if (!hasTools(t, ...needs)) return
    // sftp keeps to its rate by pauses of up to a second (bandwidth_limit() in OpenSSH's misc.c).
    const daemon = await startWithProgram(t, {
      deposit: { quiet: '20ms', session_quiet: '4s' },
    })
    const client = await openSftp(t, slow)
    const from = await makeUpload(t, {
      'main.py': newProgram,
      'a.py': 'x = 1\n',
      big: 'x'.repeat(3 * slow.rate),
    })
    const deposit = depositOf(daemon)
    client.type(`put ${from}/main.py ${deposit}`)
    client.type(`mkdir ${deposit}/.git`)
    // Longer than any connection is waited for that uploads nothing.
    for (const name of ['one', 'two']) client.type(`put ${from}/big ${deposit}/.git/${name}`)
    client.type(`put ${from}/a.py ${deposit}`)
    client.type('quit')
    await client.succeeds()
    assert.doesNotMatch(client.output(), /No such file/)
    await daemon.says(/r1: committed/)
    assert.deepEqual(Object.keys(await mainOf(daemon)), ['a.py', 'main.py'])
    assert.equal(claims(daemon), 1)
  })

  test('two sessions at once are one swap', async (t) => {
    if (!hasTools(t, ...needs)) return
    const [daemon, quick] = await start(t, { deposit: { quiet: '20ms' } })
    const from = await makeUpload(t, { 'main.py': newProgram, 'big.csv': '0123456789'.repeat(1e5) })
    const other = await openSftp(t, slow)
    other.type(`put ${from}/big.csv ${depositOf(daemon, 'big.csv')}`)
    other.type('quit')
    await halfIn(daemon)
    quick.type(`put ${from}/main.py`)
    quick.type('quit')
    await quick.succeeds()
    assert.equal(claims(daemon), 0)
    await other.succeeds()
    await isOneSwap(daemon, from)
  })

  test('.hold holds until it is removed', async (t) => {
    if (!hasTools(t, ...needs)) return
    const [daemon, client] = await start(t, hasty)
    const from = await makeUpload(t, { 'main.py': newProgram })
    const empty = await makeUpload(t, { '.hold': '' })
    client.type(`put ${empty}/.hold`)
    client.type(`put ${from}/main.py`)
    await daemon.says(/the deposit waits: \.hold says so/)
    await sleep(500)
    assert.equal(claims(daemon), 0)
    client.type('rm .hold')
    await isOneSwap(daemon, from)
  })

  test('.go skips the waiting for the connection, but not for who writes', async (t) => {
    if (!hasTools(t, ...needs)) return
    const [daemon, client] = await start(t, patient, slow)
    const from = await makeUpload(t, { 'main.py': longProgram })
    const marker = await makeUpload(t, { '.go': '' })
    client.type(`put ${marker}/.go`)
    client.type(`put ${from}/main.py`)
    await daemon.says(/the deposit waits: main\.py is being written/)
    await isOneSwap(daemon, from)
    await assert.rejects(stat(depositOf(daemon, '.go')), 'the marker is consumed')
  })

  for (const isFirst of [true, false]) {
    test(`SHA256SUMS ${isFirst ? 'before' : 'after'} its files: claimed at once when all is there`, async (t) => {
      if (!hasTools(t, ...needs)) return
      const [daemon, client] = await start(t, patient, slow)
      const from = await makeUpload(t, { 'main.py': longProgram, 'sub/a.txt': 'a' })
      const sums = await makeUpload(t, {})
      await mkdir(sums, { recursive: true })
      await runWell(
        'sh',
        ['-c', `cd ${from} && sha256sum main.py sub/a.txt > ${sums}/SHA256SUMS`],
        sums,
      )
      if (isFirst) client.type(`put ${sums}/SHA256SUMS`)
      client.type(`put -r ${from}/sub .`)
      if (isFirst) {
        await answers(
          daemon,
          /the deposit waits: SHA256SUMS: 1 of 2 files are there; main\.py is missing/,
        )
      }
      client.type(`put ${from}/main.py`)
      await daemon.says(/the deposit waits: .* is being written/)
      if (!isFirst) client.type(`put ${sums}/SHA256SUMS`)
      await isOneSwap(daemon, from)
      await assert.rejects(stat(depositOf(daemon, 'SHA256SUMS')), 'the list is consumed')
    })
  }

  test('deposit.zip that arrives slowly is one release, unpacked', async (t) => {
    const way = ways['curl to vsftpd']
    if (way === undefined || !hasTools(t, ...way.tools)) return
    const daemon = await startWithProgram(t, hasty)
    const from = await makeUpload(t, { 'main.py': longProgram, 'sub/a.txt': 'a' })
    const zip = await makeUpload(t, {})
    await mkdir(zip, { recursive: true })
    const make = `cd ${from} && python3 -c "import zipfile as z, os; f = z.ZipFile('${zip}/deposit.zip', 'w'); [f.write(n) for n in ('main.py', 'sub/a.txt')]; f.close()"`
    await runWell('sh', ['-c', make], zip)
    const client = await way.start(t, zip, depositOf(daemon), slow)
    await daemon.says(/the deposit waits: deposit\.zip is being written/)
    await client.succeeds()
    await isOneSwap(daemon, from)
  })

  test('what is left under a temporary name by a broken upload is never used', async (t) => {
    const way = ways['lftp to vsftpd, temporary names']
    if (way === undefined || !hasTools(t, ...way.tools)) return
    const daemon = await startWithProgram(t, { deposit: { quiet: '20ms', orphan: '500ms' } })
    const from = await makeUpload(t, { 'main.py': longProgram })
    const broken = await way.start(t, from, depositOf(daemon), slow)
    await halfIn(daemon)
    broken.signal('SIGKILL')
    await daemon.says(/\.in\.main\.py has a temporary name and nobody writes it any more/)
    assert.equal(claims(daemon), 0)
    await rm(depositOf(daemon, '.in.main.py'))
    const again = await way.start(t, from, depositOf(daemon))
    await again.succeeds()
    await isOneSwap(daemon, from)
  })
})
