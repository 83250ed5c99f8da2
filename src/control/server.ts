import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Site } from '../config.ts'
import { hintOf, isExpected, messageOf, withHint } from '../errors.ts'
import type { Clock, Log } from '../model.ts'
import { traceOf } from '../system/trace.ts'
import { words } from '../words.ts'
import { type Refusal, readPath, requests, type Wish } from './api.ts'
import type { Desk } from './desk.ts'
import { addressOf, socketOf } from './socket.ts'

/** The open control socket. */
export type Control = { readonly close: () => Promise<void> }

/**
 * Opens the control socket: HTTP, for this user and root only. Whatever arrives on it, the daemon lives. Where
 * it cannot be opened the log says so and the daemon goes on without; where it is removed it is made
 * again.
 */
export function openControl(desk: Desk, site: Site, log: Log, clock: Clock): Control {
  const end = new AbortController()
  const over = keepListening(desk, site, log, clock, end.signal)
  return {
    async close() {
      end.abort()
      await over
    },
  }
}

async function keepListening(
  desk: Desk,
  site: Site,
  log: Log,
  clock: Clock,
  end: AbortSignal,
): Promise<void> {
  const { paths, config, disk } = site
  let trouble = ''
  while (!end.aborted) {
    try {
      const listening = await listen(desk, site, log)
      trouble = ''
      while (!end.aborted && disk.kind(socketOf(paths)) !== null) {
        await clock.sleep(config.daemon.socketCheckMs, end)
      }
      await listening.close()
    } catch (error) {
      const text = words.noControl(socketOf(paths), messageOf(error))
      if (text !== trouble) log.warn(text)
      trouble = text
      await clock.sleep(config.daemon.socketCheckMs, end)
    }
  }
}

async function listen(desk: Desk, { paths, config }: Site, log: Log): Promise<Control> {
  mkdirSync(paths.run, { recursive: true, mode: 0o700 })
  // It may have been made by hand, and is what keeps others out until the socket has its own mode.
  chmodSync(paths.run, 0o700)
  // Whoever made it is gone: the lock of the project is ours.
  rmSync(socketOf(paths), { force: true })
  const limits = config.daemon
  const server = createServer({
    requestTimeout: limits.requestMs,
    headersTimeout: limits.requestMs,
    // Who connects and says nothing must make room soon: the default looks every 30 seconds.
    connectionsCheckingInterval: limits.requestMs / 2,
    keepAliveTimeout: 1,
  })
  server.maxConnections = limits.maxRequests
  server.on('request', (request, response) => void serve(desk, request, response, limits, log))
  const { address, close } = addressOf(paths)
  try {
    await start(server, address)
    chmodSync(socketOf(paths), 0o600)
  } catch (error) {
    server.close()
    close()
    throw error
  }
  return {
    async close() {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), limits.requestMs).unref()
      })
      close()
    },
  }
}

function start(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

async function serve(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
  limits: Site['config']['daemon'],
  log: Log,
): Promise<void> {
  try {
    const path = (request.url ?? '').replace(/\?.*$/, '')
    const asked = readPath(path)
    const wish = await wishIn(request, path, asked.path, limits.maxRequestBytes)
    if ('status' in wish) return reply(response, wish.status, wish.refusal)
    const answer = await desk(wish, asked.project)
    switch (answer.is) {
      case 'unknown':
        return reply(response, 404, { error: answer.why ?? words.unknownRequest(path) })
      case 'told':
        return reply(response, 200, answer.value)
      case 'done':
        return reply(response, 200, { text: answer.text })
      case 'refused':
        return reply(response, 409, {
          error: answer.why,
          ...withHint(answer.hint),
        } satisfies Refusal)
    }
  } catch (error) {
    // A connection that breaks off is its client's affair.
    if (request.errored || response.destroyed) return
    if (!isExpected(error)) log.error(words.bug(traceOf(error)))
    reply(response, 500, { error: messageOf(error), hint: hintOf(error) })
  }
}

type Wrong = { readonly status: number; readonly refusal: Refusal }

/** Finds the request in the table and reads its body. */
async function wishIn(
  request: IncomingMessage,
  path: string,
  inTable: string,
  maxBytes: number,
): Promise<Wish | Wrong> {
  const found = Object.values(requests).find((one) => one.path === inTable)
  if (found === undefined) return wrong(404, words.unknownRequest(path))
  if (request.method !== found.method) return wrong(405, words.wrongMethod(path, found.method))
  const body = await bodyOf(request, maxBytes)
  if (body === null) return wrong(413, words.bodyTooLong(maxBytes))
  const value = parse(body)
  if (value === notJson) return wrong(400, words.notJson)
  const wish = found.read(value)
  return typeof wish === 'string' ? wrong(400, wish) : wish
}

function wrong(status: number, error: string): Wrong {
  return { status, refusal: { error } }
}

/** The body as text; null when it is longer than `maxBytes`. */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<string | null> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxBytes) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const notJson = Symbol('not JSON')

function parse(body: string): unknown {
  if (body.trim() === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return notJson
  }
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value, null, 1)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  response.end(body)
}
