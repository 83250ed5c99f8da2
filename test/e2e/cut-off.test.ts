import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { isAlive, makeUpload, readHistory } from '../harness/deposit.ts'
import { makeSftpJournal, type SftpJournal, uploadPart } from '../harness/journal.ts'
import { projectWith, readTree, type Settings } from '../harness/project.ts'
import { hasTools, runWell } from '../harness/tools.ts'

// `journalctl` is a stand-in here: a real journald needs a systemd as PID 1. The lines are those of a
// real sftp-server, and real journald carries the same (seen with systemd 252 and OpenSSH 9.2).

const data = '0123456789'.repeat(1e5)

/** A daemon that can read the journal; the upload of data.bin to it, in a folder. */
async function begin(
  t: TestContext,
  settings: Settings = {},
): Promise<{ daemon: Daemon; journal: SftpJournal; from: string }> {
  const journal = await makeSftpJournal(t)
  const from = await makeUpload(t, { 'data.bin': data })
  const dir = await projectWith(t, 'good', settings)
  const daemon = await startDaemon(t, dir, { PATH: journal.path })
  await daemon.says(/r0 out +good is up/)
  const put = `put ${from}/data.bin ${dir}/deposit/data.bin\n`
  await writeFile(join(from, 'batch'), put)
  return { daemon, journal, from }
}

/** Uploads a part of data.bin, and then the connection breaks. */
async function breakOff(t: TestContext, daemon: Daemon, journal: SftpJournal): Promise<void> {
  const to = join(daemon.dir, 'deposit/data.bin')
  const cut = await uploadPart(t, journal, to, data.slice(0, 20_000))
  await daemon.says(/the deposit waits: data\.bin is being written/)
  await cut()
}

test('a file that the SFTP server says was cut off is held until it is uploaded again', async (t) => {
  if (!hasTools(t, 'sftp', 'sftp-server')) return
  const { daemon, journal, from } = await begin(t)
  await breakOff(t, daemon, journal)
  await daemon.says(/waits for a correction: the connection broke while data\.bin was uploaded/)
  await runWell('sftp', ['-D', journal.server, '-b', join(from, 'batch')], from)
  await daemon.says(/r1: committed/)
  assert.equal((await readTree(join(daemon.dir, 'main')))['data.bin'], data)
  assert.equal((await readHistory(daemon.dir)).length, 1)
})

test('a file that was cut off and is not uploaded again is refused', async (t) => {
  if (!hasTools(t, 'sftp', 'sftp-server')) return
  const { daemon, journal } = await begin(t, { verify: { repair: '500ms' } })
  await breakOff(t, daemon, journal)
  await daemon.says(/r1: rejected: the connection broke while data\.bin was uploaded/)
  assert.equal((await readTree(join(daemon.dir, 'main')))['data.bin'], undefined)
  await isAlive(daemon, 'r2')
})
