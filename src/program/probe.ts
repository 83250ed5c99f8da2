import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import type { HealthCheck } from '../config-health.ts'
import { codeOf, messageOf } from '../errors.ts'
import { atMost } from '../system/clock.ts'
import { type Job, runJob } from '../system/job.ts'
import { words } from '../words.ts'

/** What came of one health check. `cut`: the end came first. */
export type Answer =
  | { readonly is: 'well' }
  | { readonly is: 'ill'; readonly why: string }
  | { readonly is: 'cut' }

/** How a command that checks is run: as the program itself would be. */
export type AsProgram = (argv: readonly string[]) => Omit<Job, 'read' | 'input'>

/** The end of a check's own words that is kept, to say why it failed. */
const lastWordsBytes = 300

/** Asks the program once whether it is well. Never throws; the answer comes within `timeoutMs`. */
export async function probe(
  check: HealthCheck,
  asProgram: AsProgram,
  timeoutMs: number,
  end: AbortSignal,
): Promise<Answer> {
  const first = await atMost(timeoutMs, end, (cut) => ask(check, asProgram, cut))
  if (first.is === 'aborted') return { is: 'cut' }
  const why = first.is === 'late' ? words.healthLate(timeoutMs) : first.value
  return why === null ? { is: 'well' } : { is: 'ill', why }
}

/** Null: it is well. Else why it is not; when it was cut, anything. */
function ask(check: HealthCheck, asProgram: AsProgram, cut: AbortSignal): Promise<string | null> {
  switch (check.by) {
    case 'command':
      return askCommand(asProgram(check.argv), cut)
    case 'http':
      return askHttp(check.url, cut)
    case 'tcp':
      return askTcp(check, cut)
  }
}

async function askCommand(
  how: Omit<Job, 'read' | 'input'>,
  cut: AbortSignal,
): Promise<string | null> {
  let tail = Buffer.alloc(0)
  async function read(_stream: 'out' | 'err', pipe: Readable): Promise<void> {
    // However much it prints, only the end is kept.
    for await (const chunk of pipe as AsyncIterable<Buffer>) {
      tail = Buffer.concat([tail, chunk.subarray(-lastWordsBytes)]).subarray(-lastWordsBytes)
    }
  }
  const end = await runJob({ ...how, read }, cut)
  if (end.is === 'cut' || (end.is === 'code' && end.code === 0)) return null
  const lastWords = tail.toString().trim().split('\n').at(-1) ?? ''
  return words.healthCommand(end, lastWords)
}

/** The whole answer must come: a program that hangs in the middle of it is not well. */
async function askHttp(url: URL, cut: AbortSignal): Promise<string | null> {
  const { request } =
    url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve(whyOf(error))
    const asked = request(
      url,
      // Whether it answers is asked, not who it is: such a certificate is mostly signed by nobody.
      { agent: false, signal: cut, rejectUnauthorized: false, headers: { connection: 'close' } },
      (response) => {
        const status = response.statusCode ?? 0
        const isWell = status >= 200 && status < 400
        response.on('error', failed)
        response.once('end', () => resolve(isWell ? null : words.healthStatus(status)))
        response.resume()
      },
    )
    asked.on('error', failed)
    asked.end()
  })
}

function askTcp(to: { host: string; port: number }, cut: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.host, port: to.port, signal: cut })
    socket.on('error', (error) => resolve(whyOf(error)))
    socket.once('connect', () => {
      resolve(null)
      socket.destroy()
    })
  })
}

/** A name with several addresses fails with several errors, and no message of its own. */
function whyOf(error: Error): string {
  const [first = error]: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return messageOf(first) || codeOf(first) || codeOf(error)
}
