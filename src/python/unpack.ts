import { OperationalError } from '../errors.ts'
import { releaseWords } from '../words-release.ts'
import type { Interpreter } from './interpreter.ts'
import { startScript, whyNot } from './script.ts'

/** What became of an archive: unpacked, cut off or damaged, or never to be unpacked. */
export type Unpacked =
  | { readonly files: number; readonly bytes: number }
  | { readonly broken: string }
  | { readonly refused: string }

/**
 * Unpacks an archive (zip, or tar with gzip, told by its name) into an empty folder. All paths are
 * absolute. Fails with `ENOSPC` when the disk is full, and with `EUNPACK` when the unpacker dies, comes no
 * further for `unpackMs`, or `end` aborts.
 */
export async function unpackArchive(
  archive: string,
  into: string,
  limits: { maxEntries: number; maxBytes: number; maxRatio: number; unpackMs: number },
  python: Interpreter,
  end: AbortSignal,
): Promise<Unpacked> {
  const { maxEntries, maxBytes, maxRatio, unpackMs } = limits
  const question = { archive, into, maxEntries, maxBytes, maxRatio }
  const answer = await startScript('unpack.py', python).ask(question, unpackMs, end)
  if (answer.is === 'done' && answer.value.exitCode === 0)
    return JSON.parse(answer.value.stdout) as Unpacked
  const why = whyNot(answer, unpackMs, 'verify.unpack')
  const isFull = /No space left|Disk quota/.test(why)
  throw new OperationalError(releaseWords.notUnpacked(why), {
    code: isFull ? 'ENOSPC' : 'EUNPACK',
    path: archive,
  })
}
