import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { canSeeSessions, connectionsTo, uploadSessions } from '../../src/system/sessions.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { startFtpServer } from '../harness/ftp.ts'
import { until } from '../harness/processes.ts'
import { hasTools, makeFolder, placeOf } from '../harness/tools.ts'

/** True where /proc is mounted with hidepid, which these tests cannot see through either. */
function isHidden(t: TestContext): boolean {
  if (canSeeSessions()) return false
  t.skip('needs a /proc that shows the processes of others (it is mounted with hidepid)')
  return true
}

for (const host of ['127.0.0.1', '::1']) {
  test(`a connection to a port is seen while it is there: ${host}`, async (t) => {
    const server = createServer((socket) => socket.resume()).listen(0, host)
    afterwards(t, () => server.close())
    const isUp = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ])
    if (!isUp) return t.skip(`needs the address ${host}`)
    const { port } = server.address() as AddressInfo
    // One that only listens is no connection.
    assert.equal(connectionsTo([port]).size, 0)
    const clients = [connect(port, host), connect(port, host)]
    afterwards(t, () => clients.map((client) => client.destroy()))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    assert.equal(connectionsTo([port]).size, 2)
    assert.equal(connectionsTo([]).size, 0)
    const ends = clients.map(({ localPort = 0 }) => localPort)
    // The far end is told: seen from here it is the same for both.
    assert.equal(connectionsTo(ends).size, 1)
    assert.notDeepEqual(connectionsTo(ends), connectionsTo([port]))
    for (const client of clients) client.destroy()
    await until('they are gone', () => connectionsTo([port]).size === 0)
  })
}

test('a living sftp-server is an upload session, of the user it runs as', async (t) => {
  if (isHidden(t) || !hasTools(t, 'sftp-server')) return
  const child = spawn(placeOf('sftp-server') ?? '', [], { env: cleanEnvironment(), stdio: 'pipe' })
  afterwards(t, () => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const own = () => uploadSessions().filter(({ pid }) => pid === child.pid)
  await until('it is seen', () => own().length > 0)
  assert.deepEqual(own(), [{ pid: child.pid, name: 'sftp-server', uid: process.getuid?.() }])
  child.stdin.end()
  await once(child, 'exit')
  assert.deepEqual(own(), [])
})

test('an FTP server that only listens is no session, and one that serves is', async (t) => {
  if (isHidden(t) || !hasTools(t, 'vsftpd')) return
  const before = new Set(uploadSessions().map(({ pid }) => pid))
  const root = await makeFolder(t)
  const url = new URL(await startFtpServer(t, root))
  // Others on this machine may upload meanwhile: only what stands in our port counts.
  const added = () =>
    uploadSessions().filter(({ pid, name }) => name === 'vsftpd' && !before.has(pid))
  await until('nobody is connected', () => connectionsTo([Number(url.port)]).size === 0)
  await until('it only listens', () => added().length === 0)
  const client = connect(Number(url.port), url.hostname)
  afterwards(t, () => client.destroy())
  await once(client, 'data')
  await until('its session is seen', () => added().length > 0)
  client.destroy()
  await until('its session is gone', () => added().length === 0)
})
