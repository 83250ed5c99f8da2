import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isExpected, messageOf, OperationalError } from '../errors.ts'
import { withDeadline } from '../system/clock.ts'
import { foreignRead } from '../system/foreign-file.ts'
import { selfWords } from '../words-self.ts'

/** A folder of packages, here or behind an address. */
export type Shelf = {
  /** All of a file in it. Fails with `ESOURCE`, or as the system does, and with more than `maxBytes`. */
  readonly read: (name: string, maxBytes: number) => Promise<Buffer>
  /** A file in it, for people. */
  readonly of: (name: string) => string
}

/** The folder that the settings name: an address, or a path relative to the project. */
export function shelfAt(from: string, project: string, ms: number, end: AbortSignal): Shelf {
  if (!from.startsWith('https://')) {
    const of = (name: string) => join(resolve(project, from), name)
    return { of, read: (name, maxBytes) => readFileHere(of(name), maxBytes) }
  }
  const of = (name: string) => `${from.replace(/\/$/, '')}/${name}`
  return {
    of,
    async read(name, maxBytes) {
      const deadline = withDeadline(ms, end)
      try {
        return await download(of(name), maxBytes, deadline)
      } catch (error) {
        if (error instanceof OperationalError) throw error
        const isLate = deadline.signal.aborted && !end.aborted
        throw failure(
          isLate ? selfWords.late(of(name), ms) : selfWords.notRead(of(name), causeOf(error)),
        )
      } finally {
        deadline.clear()
      }
    },
  }
}

async function readFileHere(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, foreignRead).catch((error: unknown) => {
    if (!isExpected(error)) throw error
    throw failure(selfWords.notRead(path, messageOf(error)))
  })
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw failure(selfWords.tooLongFile(path, maxBytes))
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** More redirections are a loop. */
const maxHops = 5

async function download(
  address: string,
  maxBytes: number,
  deadline: ReturnType<typeof withDeadline>,
  hops = 0,
): Promise<Buffer> {
  const answer = await fetch(address, { signal: deadline.signal, redirect: 'manual' })
  const next = answer.headers.get('location')
  if (next !== null && answer.status >= 300 && answer.status < 400) {
    await answer.body?.cancel()
    const target = new URL(next, address)
    // What is not encrypted on its way can be changed there.
    if (target.protocol !== 'https:' || hops >= maxHops) {
      throw failure(selfWords.badRedirect(address, target.href))
    }
    return download(target.href, maxBytes, deadline, hops + 1)
  }
  if (!answer.ok || answer.body === null) {
    await answer.body?.cancel()
    throw failure(selfWords.badStatus(address, answer.status))
  }
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    deadline.renew()
    bytes += piece.length
    if (bytes > maxBytes) throw failure(selfWords.tooLongFile(address, maxBytes))
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)
}

function failure(why: string): OperationalError {
  return new OperationalError(why, { code: 'ESOURCE' })
}
