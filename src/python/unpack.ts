import { fileURLToPath } from 'node:url'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import type { Interpreter } from './interpreter.ts'

/** What became of an archive: unpacked, cut off or damaged, or never to be unpacked. */
export type Unpacked =
  | { readonly files: number; readonly bytes: number }
  | { readonly broken: string }
  | { readonly refused: string }

const script = fileURLToPath(new URL('./unpack.py', import.meta.url))

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
  const done = await command(
    python.path,
    ['-I', '-S', '-B', '-X', 'utf8', '-W', 'ignore', script],
    {
      input: JSON.stringify({ archive, into, maxEntries, maxBytes, maxRatio }),
      timeoutMs: limits.unpackMs,
      cwd: '/',
      end,
    },
  )
  if (done.exitCode === 0) return JSON.parse(done.stdout) as Unpacked
  const isFull = /No space left|Disk quota/.test(done.output)
  throw new OperationalError(`the archive could not be unpacked: ${lastLine(done.output)}`, {
    code: isFull ? 'ENOSPC' : 'EUNPACK',
    path: archive,
  })
}

function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? text
}
