import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanEnvironment } from './daemon.ts'
import { listen } from './listening.ts'
import { makeFolder } from './tools.ts'

/** A real git server for http(s) on loopback: git's own `http-backend` behind a server of Node's. */
export type GitHttp = {
  /** `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`; below it are the repositories of its folder. */
  readonly url: string
  /** Of `https`: the file git must be told of, as GIT_SSL_CAINFO or `http.sslCAInfo`. Else null. */
  readonly ca: string | null
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[]
  /** How it answers from now on: as it should, a few kB at a time, by closing the connection, with 503, or never. */
  readonly behave: (how: 'well' | 'crawls' | 'closes' | '503' | 'hangs') => void
}

/**
 * Serves the bare repositories in a folder until the test ends. `login` is `NAME:PASSWORD`, without which
 * nothing is served.
 */
export async function serveGitHttp(
  t: TestContext,
  root: string,
  { isSecure = false, login }: { readonly isSecure?: boolean; readonly login?: string } = {},
): Promise<GitHttp> {
  const asked: string[] = []
  let how: Parameters<GitHttp['behave']>[0] = 'well'
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.url ?? '')
    if (how === 'hangs') return
    if (how === 'closes') return void request.socket.destroy()
    if (how === '503') return void response.writeHead(503).end()
    if (!knows(request, login)) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    }
    runBackend(root, request, response, how === 'crawls')
  }
  const secrets = isSecure ? makeCertificate(await makeFolder(t)) : null
  const server =
    secrets === null
      ? createServer(answer)
      : createSecureServer(
          { key: readFileSync(secrets.key), cert: readFileSync(secrets.certificate) },
          answer,
        )
  const port = await listen(t, server)
  return {
    url: `${secrets === null ? 'http' : 'https'}://127.0.0.1:${port}`,
    ca: secrets?.certificate ?? null,
    asked,
    behave: (next) => {
      how = next
    },
  }
}

/** A certificate of its own making, for this address only. */
export function makeCertificate(folder: string): {
  readonly key: string
  readonly certificate: string
} {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const about = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const args = ['req', '-x509', ...kind, ...about, '-keyout', key, '-out', certificate]
  execFileSync('openssl', args, { stdio: 'pipe' })
  return { key, certificate }
}

function knows({ headers }: IncomingMessage, login: string | undefined): boolean {
  const expected = `Basic ${Buffer.from(login ?? '').toString('base64')}`
  return login === undefined || headers.authorization === expected
}

/** CGI (RFC 3875), as far as git-http-backend(1) asks for it. */
function runBackend(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  crawls: boolean,
): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://127.0.0.1')
  const { headers } = request
  const child = spawn('git', ['http-backend'], {
    env: {
      ...cleanEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: headers['content-type'] ?? '',
      ...(headers['content-length'] === undefined
        ? {}
        : { CONTENT_LENGTH: headers['content-length'] }),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  // Whoever goes away in the middle ends it, and it may end before all is read.
  child.stdin.on('error', () => undefined)
  response.on('close', () => child.kill())
  request.pipe(child.stdin)
  void passOn(crawls ? Readable.from(crawling(child.stdout)) : child.stdout, response)
}

/** The same bytes, like over a line of some 30 kB/s. */
async function* crawling(stdout: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += 8_000) {
      yield chunk.subarray(at, at + 8_000)
      await sleep(250)
    }
  }
}

/** Its answer: header lines, of which `Status` is one, a blank line, and the rest. */
async function passOn(stdout: Readable, response: ServerResponse): Promise<void> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (head === null) {
      response.write(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) continue
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
    head = null
  }
  response.end()
}
