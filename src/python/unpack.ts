import { OperationalError } from '../errors.ts'
import type { Interpreter } from './interpreter.ts'
import { lastLine, startScript } from './script.ts'

/** What became of an archive: unpacked, cut off or damaged, or never to be unpacked. */
export type Unpacked =
  | { readonly files: number; readonly bytes: number }
  | { readonly broken: string }
  | { readonly refused: string }

/**
 * Unpacks an archive (zip, or tar with gzip, told by its name) into an empty folder. All paths are
 * absolute. Fails with `ENOSPC` when the disk is full, and with `EUNPACK` when the unpacker dies or
 * `end` aborts.
 */
export async function unpackArchive(
  archive: string,
  into: string,
  limits: { maxEntries: number; maxBytes: number; maxRatio: number; unpackMs: number },
  python: Interpreter,
  end: AbortSignal,
): Promise<Unpacked> {
  const { maxEntries, maxBytes, maxRatio } = limits
  const question = { archive, into, maxEntries, maxBytes, maxRatio }
  const done = await startScript('unpack.py', python).ask(question, limits.unpackMs, end)
  if (done.exitCode === 0) return JSON.parse(done.stdout) as Unpacked
  const isFull = /No space left|Disk quota/.test(done.output)
  throw new OperationalError(`the archive could not be unpacked: ${lastLine(done)}`, {
    code: isFull ? 'ENOSPC' : 'EUNPACK',
    path: archive,
  })
}
