import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathsOf } from '../../src/config.ts'
import { requests } from '../../src/control/api.ts'
import { ask } from '../../src/control/client.ts'
import { addressOf } from '../../src/control/socket.ts'
import { runSupervisor } from '../harness/command.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { startWithProgram } from '../harness/deposit.ts'
import { until } from '../harness/processes.ts'
import { makeProject, projectWith, putProgram } from '../harness/project.ts'
import { hasTools, run } from '../harness/tools.ts'

const socketIn = (dir: string) => join(dir, '.supervisor/run/control.sock')

/** Sends a request as it is given; the answer is its status and body. */
async function send(
  dir: string,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; body: string }> {
  const { address, close } = addressOf(pathsOf(dir))
  try {
    const asking = request({ socketPath: address, method, path, agent: false })
    asking.end(body)
    const [response] = await once(asking, 'response')
    let text = ''
    for await (const part of response) text += part
    return { status: response.statusCode, body: text }
  } finally {
    close()
  }
}

/** Writes bytes to the socket and waits for its end. */
async function write(dir: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(socketIn(dir))
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  socket.on('error', () => undefined)
  socket.end(bytes)
  // Not `once` of node:events: that rejects when the daemon resets the connection, as it may.
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

async function lives(daemon: Daemon): Promise<void> {
  assert.match((await ask('status', pathsOf(daemon.dir))).program.state, /^(RUNNING|STARTING)$/)
  assert.doesNotMatch(daemon.output(), /a fault in ota-supervisor/)
}

test('the socket is for its user alone', async (t) => {
  const daemon = await startWithProgram(t)
  assert.equal(statSync(socketIn(daemon.dir)).mode & 0o777, 0o600)
  assert.equal(statSync(join(daemon.dir, '.supervisor/run')).mode & 0o777, 0o700)
  if (process.getuid?.() !== 0) return t.skip('needs root, to be another user')
  chmodSync(daemon.dir, 0o755)
  for (const verb of ['status', 'stop', 'rollback']) {
    const done = await runSupervisor([verb, '-C', daemon.dir], '/', {}, 65_534)
    assert.equal(done.code, 1, verb)
    assert.match(done.stderr, /belongs to another user\n {2}do the same as that user, or with sudo/)
  }
  await lives(daemon)
})

test('requests that make no sense are told so, and the daemon lives', async (t) => {
  const { dir, ...daemon } = await startWithProgram(t)
  const table: [string, string, string | undefined, number][] = [
    ['GET', '/', undefined, 404],
    ['GET', '/v1/../v1/status', undefined, 404],
    ['GET', '/v1/__proto__', undefined, 404],
    ['POST', '/v1/status', undefined, 405],
    ['GET', '/v1/stop', undefined, 405],
    ['DELETE', '/v1/history', undefined, 405],
    ['POST', '/v1/rollback', '{', 400],
    ['POST', '/v1/rollback', '[]', 400],
    ['POST', '/v1/rollback', '"r1"', 400],
    ['POST', '/v1/rollback', '{"to": "../r1"}', 400],
    ['POST', '/v1/rollback', '{"to": 1}', 400],
    ['POST', '/v1/rollback', '{"to": "r1", "__proto__": {"to": null}}', 409],
    ['POST', '/v1/rollback', `{"to": "${'r'.repeat(100_000)}"}`, 413],
    ['GET', '/v1/status?verbose=1', undefined, 200],
  ]
  for (const [method, path, body, status] of table) {
    const answer = await send(dir, method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${body?.slice(0, 40)}: ${answer.body}`)
    if (status !== 200) assert.equal(typeof JSON.parse(answer.body).error, 'string')
  }
  await lives({ dir, ...daemon })
})

test('garbage on the socket ends its connection and nothing else', async (t) => {
  const daemon = await startWithProgram(t)
  const { dir } = daemon
  const garbage = [
    '',
    '\0'.repeat(10),
    'hello\r\n\r\n',
    'GET /v1/status\r\n\r\n',
    'GET /v1/status HTTP/9.9\r\n\r\n',
    `GET /v1/status HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(5_000)}\r\n`,
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    'POST /v1/rollback HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{',
    'POST /v1/rollback HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'POST /v1/rollback HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
    Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 256)),
  ]
  await Promise.all(garbage.map((bytes) => write(dir, bytes)))
  await lives(daemon)
})

test('many at once are all answered, and orders are carried out one after the other', async (t) => {
  const daemon = await startWithProgram(t, { daemon: { max_requests: 100 } })
  const paths = pathsOf(daemon.dir)
  const asked = Array.from({ length: 60 }, (_, index) => {
    return index % 10 === 0 ? ask('restart', paths) : ask(index % 2 ? 'status' : 'history', paths)
  })
  await Promise.all(asked)
  await lives(daemon)
  const starts = [...daemon.output().matchAll(/main\.py started \(pid/g)]
  assert.equal(starts.length, 7)
})

test('who connects and says nothing keeps nobody out', async (t) => {
  const daemon = await startWithProgram(t, { daemon: { max_requests: 4, request: '300ms' } })
  const silent = Array.from({ length: 12 }, () => connect(socketIn(daemon.dir)))
  for (const socket of silent) socket.on('error', () => undefined)
  t.after(() => {
    for (const socket of silent) socket.destroy()
  })
  await until('somebody is answered', () =>
    ask('status', pathsOf(daemon.dir)).then(
      () => true,
      () => false,
    ),
  )
  assert.equal(await daemon.end(), 0)
})

test('a path that is too long for a socket works too', async (t) => {
  const dir = join(await makeProject(t), 'a'.repeat(100), 'b'.repeat(100))
  await mkdir(dir, { recursive: true })
  await putProgram('good', join(dir, 'main'))
  const daemon = await startDaemon(t, dir)
  await daemon.says(/good is up/)
  const done = await runSupervisor(['status', '--json'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.equal(JSON.parse(done.stdout).daemon.pid, daemon.pid)
  assert.equal(await daemon.end(), 0)
})

test('a stale socket is replaced, and one that is removed is made again', async (t) => {
  const dir = await projectWith(t, 'good', { daemon: { socket_check: '50ms' } })
  const first = await startDaemon(t, dir)
  await first.says(/good is up/)
  await first.end('SIGKILL')
  assert.ok(statSync(socketIn(dir)).isSocket(), 'a kill leaves it behind')
  const down = await runSupervisor(['stop'], dir)
  assert.equal(down.code, 3)
  assert.match(down.stderr, /no daemon runs in/)

  const second = await startDaemon(t, dir)
  await second.says(/good is up/)
  await lives(second)
  const isBack = () =>
    ask('status', pathsOf(dir)).then(
      () => true,
      () => false,
    )
  rmSync(join(dir, '.supervisor/run'), { recursive: true })
  await until('the socket is there again', isBack)
  rmSync(socketIn(dir))
  writeFileSync(socketIn(dir), 'not a socket')
  await second.end()
})

test('without a place for the socket the daemon does all the rest', async (t) => {
  const dir = await projectWith(t, 'good')
  await mkdir(join(dir, '.supervisor'), { recursive: true })
  writeFileSync(join(dir, '.supervisor/run'), 'a file in its place')
  const daemon = await startDaemon(t, dir)
  await Promise.all([daemon.says(/no control socket at/), daemon.says(/good is up/)])
  assert.equal(await daemon.end(), 0)
})

test('curl can ask', async (t) => {
  if (!hasTools(t, 'curl')) return
  const daemon = await startWithProgram(t)
  const args = ['-s', '--unix-socket', socketIn(daemon.dir)]
  const { path } = requests.status
  const done = await run('curl', [...args, `http://localhost${path}`], await home(t))
  assert.equal(JSON.parse(done.output).daemon.pid, daemon.pid)
})

function home(t: TestContext): Promise<string> {
  return makeProject(t)
}
