import { request as httpRequest, type RequestOptions } from 'node:http'
import type { Paths } from '../config.ts'
import { codeOf, messageOf, noAnswer, notRunning, OperationalError, withHint } from '../errors.ts'
import { seconds } from '../phrases.ts'
import { words } from '../words.ts'
import { type Answers, pathFor, type Refusal, type RequestName, requests } from './api.ts'
import { addressOf, socketOf } from './socket.ts'

/** Whom a verb asks: the daemon of a directory or, by its name, one of the many projects that it runs. */
export type Door = Pick<Paths, 'project' | 'run'> & { readonly member?: string }

/**
 * Asks the daemon of a project, however long the answer takes, or for `limitMs` at most. Throws an
 * OperationalError: with the code `ENOTRUNNING` when there is no daemon, `ENOANSWER` when it says
 * nothing in that time, `EREFUSED` with what the daemon says when it refuses.
 */
export async function ask<Name extends RequestName>(
  name: Name,
  door: Door,
  body?: unknown,
  limitMs?: number,
): Promise<Answers[Name]> {
  const { status, text } = await send(name, door, body, limitMs)
  const value: unknown = parse(text)
  if (status === 200) return value as Answers[Name]
  const { error, hint } = (value ?? { error: words.strangeAnswer(status) }) as Refusal
  throw new OperationalError(error, { code: 'EREFUSED', ...withHint(hint) })
}

async function send(
  name: RequestName,
  door: Door,
  body: unknown,
  timeout: number | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const { method } = requests[name]
  const path = pathFor(requests[name], door.member ?? null)
  try {
    const { address, close } = addressOf(door)
    try {
      const options = { socketPath: address, method, path, agent: false, timeout } as const
      return await exchange(options, body)
    } finally {
      close()
    }
  } catch (error) {
    throw explained(error, door)
  }
}

function exchange(
  options: RequestOptions,
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
    asking.on('timeout', () => {
      const why = words.noAnswer(seconds(options.timeout ?? 0))
      asking.destroy(new OperationalError(why, { code: noAnswer, hint: words.noAnswerHint }))
    })
    asking.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function explained(error: unknown, paths: Door): OperationalError {
  if (error instanceof OperationalError) return error
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
