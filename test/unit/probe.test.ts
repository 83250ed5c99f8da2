import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { healthCheckOf } from '../../src/config-health.ts'
import { type Answer, probe } from '../../src/program/probe.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { listen } from '../harness/listening.ts'
import { isLiving, until } from '../harness/processes.ts'

const never = new AbortController().signal

/** Asks once, by the settings that a user would write. */
async function ask(
  settings: { command?: readonly string[]; http?: string; tcp?: string },
  how: { timeoutMs?: number; cwd?: string; end?: AbortSignal } = {},
): Promise<Answer> {
  const check = healthCheckOf({ ...defaults.health, ...settings })
  assert.ok(check)
  const env = { ...cleanEnvironment(), MARK: 'seen' }
  const asProgram = (argv: readonly string[]) => ({
    argv,
    cwd: how.cwd ?? '/',
    env,
    drainMs: 200,
  })
  return probe(check, asProgram, how.timeoutMs ?? 10_000, how.end ?? never)
}

function whyOf(answer: Answer): string {
  assert.equal(answer.is, 'ill')
  return answer.is === 'ill' ? answer.why : ''
}

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(answer))}`
}

const well = { is: 'well' }
const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((found) => found?.address === '::1')

test('http: a status from 200 to 399 is well; a redirect is not followed', async (t) => {
  const asked: string[] = []
  const url = await serve(t, ({ method, url: path = '' }, response) => {
    asked.push(`${method} ${path}`)
    response.writeHead(Number(path.slice(1, 4)), { location: '/500' }).end('words')
  })
  for (const status of [200, 204, 302, 399]) {
    assert.deepEqual(await ask({ http: `${url}/${status}` }), well, String(status))
  }
  for (const status of [400, 404, 503]) {
    assert.equal(whyOf(await ask({ http: `${url}/${status}?q=1` })), `HTTP ${status}`)
  }
  assert.deepEqual(asked, [
    ...[200, 204, 302, 399].map((status) => `GET /${status}`),
    ...[400, 404, 503].map((status) => `GET /${status}?q=1`),
  ])
})

test('http: an answer must come in full, and in time', async (t) => {
  const hangs: Readonly<Record<string, RequestListener>> = {
    'before the answer': () => undefined,
    'in the head': (_, response) => response.socket?.write('HTTP/1.1 200 OK\r\n'),
    'in the body': (_, response) => response.writeHead(200).write('a part'),
  }
  for (const [where, answer] of Object.entries(hangs)) {
    const http = await serve(t, answer)
    assert.equal(whyOf(await ask({ http }, { timeoutMs: 150 })), 'no answer within 150 ms', where)
  }
})

test('http: an answer that breaks off, or is none, is not well', async (t) => {
  const cut = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('a part', () => response.destroy())
  })
  assert.match(whyOf(await ask({ http: cut })), /aborted|ECONNRESET|hang up/)
  const garbage = await serve(t, (_, response) => response.socket?.end('what?\r\n\r\n'))
  assert.match(whyOf(await ask({ http: garbage })), /Parse Error/)
  const endless = await serve(t, (_, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1_000_000)}`)
  })
  assert.match(whyOf(await ask({ http: endless })), /Parse Error|Header overflow/)
})

test('http: a large body is read and thrown away', async (t) => {
  const http = await serve(t, (_, response) => response.end(Buffer.alloc(20_000_000)))
  assert.deepEqual(await ask({ http }), well)
})

test('https: the certificate may be signed by nobody', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-tls-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  try {
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')]
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x', ...files]
    execFileSync('openssl', args, { stdio: 'ignore' })
  } catch {
    return t.skip('needs openssl: sudo apt install openssl')
  }
  const [key, cert] = await Promise.all(['key', 'cert'].map((name) => readFile(join(dir, name))))
  const port = await listen(
    t,
    createTlsServer({ key, cert }, (_, response) => response.end()),
  )
  assert.deepEqual(await ask({ http: `https://127.0.0.1:${port}/` }), well)
  assert.match(whyOf(await ask({ http: `http://127.0.0.1:${port}/` })), /./)
})

test('tcp: a port that takes a connection is well', async (t) => {
  const port = await listen(t, createTcpServer())
  assert.deepEqual(await ask({ tcp: `127.0.0.1:${port}` }), well)
  assert.deepEqual(await ask({ tcp: `${port}` }), well)
  assert.match(whyOf(await ask({ tcp: '127.0.0.1:1' })), /^connect ECONNREFUSED 127\.0\.0\.1:1$/)
  assert.match(whyOf(await ask({ tcp: '1' })), /^connect ECONNREFUSED .*:1$/)
})

test('tcp and http over IPv6', async (t) => {
  if (!hasIpv6) return t.skip('this machine has no IPv6')
  const port = await listen(
    t,
    createServer((_, response) => response.end()),
    '::1',
  )
  assert.deepEqual(await ask({ tcp: `[::1]:${port}` }), well)
  assert.deepEqual(await ask({ http: `http://[::1]:${port}/` }), well)
})

test('command: exit code 0 is well; it runs as the program does', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-probe-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const script = 'test "$MARK" = seen && test "$(pwd)" = "$1" && ! read -r line'
  const command = ['sh', '-c', script, 'sh', dir]
  assert.deepEqual(await ask({ command }, { cwd: dir }), well)
  assert.equal((await ask({ command })).is, 'ill')
})

test('command: any other end is not, and its last words say why', async () => {
  const ends: [string, RegExp][] = [
    ['exit 3', /^its command ended with exit code 3$/],
    ['echo one; echo "two \x1b[31m" >&2; exit 1', /exit code 1: two \\u001b\[31m$/],
    ['kill -9 $$', /^its command was ended by SIGKILL$/],
    ['head -c 5000000 /dev/zero | tr "\\0" x; exit 1', /exit code 1: x{300}$/],
  ]
  for (const [script, expected] of ends) {
    assert.match(whyOf(await ask({ command: ['sh', '-c', script] })), expected, script)
  }
  assert.match(
    whyOf(await ask({ command: ['./not-there'] })),
    /^its command could not be started: .*ENOENT/,
  )
})

/** A shell that ignores SIGTERM, with a child that does too; it prints both numbers into a file. */
function stubborn(file: string, then: string): readonly string[] {
  return [
    'sh',
    '-c',
    `trap "" TERM; sleep 1000 & echo "$$ $!" > "$1.new"; mv "$1.new" "$1"; ${then}`,
    'sh',
    file,
  ]
}

async function pidsIn(file: string): Promise<number[]> {
  await until('the command is up', () => existsSync(file))
  return (await readFile(file, 'utf8')).trim().split(' ').map(Number)
}

test('command: at the deadline it is killed, with its whole group', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-probe-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'pids')
  const answer = await ask({ command: stubborn(file, 'wait') }, { timeoutMs: 2_000 })
  assert.equal(whyOf(answer), 'no answer within 2 s')
  const pids = await pidsIn(file)
  assert.equal(pids.length, 2)
  await until('nobody is left', () => !pids.some(isLiving))
})

test('command: what it leaves behind in its group is killed, and holds nobody up', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-probe-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'pids')
  assert.deepEqual(await ask({ command: stubborn(file, 'exit 0') }), well)
  const pids = await pidsIn(file)
  await until('nobody is left', () => !pids.some(isLiving))
})

test('command: a stranger that holds its pipe open does not hold up the answer', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-probe-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'pids')
  const stranger = 'echo $$ > "$1.new"; mv "$1.new" "$1"; exec sleep 1000'
  const script = `setsid sh -c '${stranger}' sh "$1" & until test -e "$1"; do sleep 0.01; done`
  assert.deepEqual(await ask({ command: ['sh', '-c', script, 'sh', file] }), well)
  const [pid = 0] = await pidsIn(file)
  assert.equal(isLiving(pid), true, 'the script must do what it is for')
  process.kill(pid, 'SIGKILL')
})

test('a check that is ended is neither well nor ill', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-probe-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'pids')
  const end = new AbortController()
  const asking = ask({ command: stubborn(file, 'wait') }, { end: end.signal })
  const pids = await pidsIn(file)
  end.abort()
  assert.deepEqual(await asking, { is: 'cut' })
  await until('nobody is left', () => !pids.some(isLiving))
  const http = await serve(t, () => undefined)
  assert.deepEqual(await ask({ http }, { end: end.signal }), { is: 'cut' })
})
