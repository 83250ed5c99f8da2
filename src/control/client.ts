import { request as httpRequest } from 'node:http'
import type { Paths } from '../config.ts'
import { codeOf, messageOf, notRunning, OperationalError } from '../errors.ts'
import { words } from '../words.ts'
import { type Answers, type Refusal, type RequestName, requests } from './api.ts'
import { addressOf, socketOf } from './socket.ts'

/**
 * Asks the daemon of a project, however long the answer takes. Throws an OperationalError: with the
 * code `ENOTRUNNING` when there is no daemon, `EREFUSED` with what the daemon says when it refuses.
 */
export async function ask<Name extends RequestName>(
  name: Name,
  paths: Paths,
  body?: unknown,
): Promise<Answers[Name]> {
  const { status, text } = await send(name, paths, body)
  const value: unknown = parse(text)
  if (status === 200) return value as Answers[Name]
  const { error, hint } = (value ?? { error: words.strangeAnswer(status) }) as Refusal
  throw new OperationalError(error, { code: 'EREFUSED', ...(hint === undefined ? {} : { hint }) })
}

async function send(
  name: RequestName,
  paths: Paths,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  const { method, path } = requests[name]
  try {
    const { address, close } = addressOf(paths)
    try {
      return await exchange({ socketPath: address, method, path, agent: false }, body)
    } finally {
      close()
    }
  } catch (error) {
    throw explained(error, paths)
  }
}

function exchange(
  options: { socketPath: string; method: string; path: string; agent: false },
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    asking.on('error', reject)
    asking.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function explained(error: unknown, paths: Paths): OperationalError {
  const code = codeOf(error)
  if (['EACCES', 'EPERM'].includes(code)) {
    return new OperationalError(words.notYours(paths.project), {
      code,
      path: socketOf(paths),
      hint: words.notYoursHint,
      cause: error,
    })
  }
  // ECONNRESET: it ended while it was asked.
  if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTDIR'].includes(code)) {
    return new OperationalError(words.notRunning(paths.project), {
      code: notRunning,
      path: socketOf(paths),
      hint: words.notRunningHint,
      cause: error,
    })
  }
  return new OperationalError(words.cannotAsk(messageOf(error)), {
    code: code === '' ? 'EASK' : code,
    path: socketOf(paths),
    cause: error,
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
