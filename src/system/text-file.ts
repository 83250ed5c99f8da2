import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { codeOf, messageOf, OperationalError } from '../errors.ts'

/**
 * The text of a file that somebody may have put anything in the place of; null when there is nothing.
 * It does not wait at a pipe. What is no file, too long, not UTF-8 or not to be read, also a link that
 * leads nowhere, is an OperationalError.
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string | null> {
  const bytes = await readBytes(path, maxBytes)
  if (bytes === null) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw refusal(path, 'it is not a text in UTF-8', 'EILSEQ', error)
  }
}

async function readBytes(path: string, maxBytes: number): Promise<Buffer | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (stat.isDirectory()) throw refusal(path, 'it is a folder', 'EISDIR')
      if (!stat.isFile()) throw refusal(path, 'it is not a file', 'EINVAL')
      if (stat.size > maxBytes) {
        throw refusal(path, `it has more than ${maxBytes} bytes`, 'EFBIG')
      }
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof OperationalError) throw error
    if (codeOf(error) !== 'ENOENT') throw refusal(path, messageOf(error), codeOf(error), error)
    if (!(await isThere(path))) return null
    throw refusal(path, 'it is a link that leads nowhere', 'ENOENT', error)
  }
}

function refusal(path: string, why: string, code: string, cause?: unknown): OperationalError {
  return new OperationalError(`${path} cannot be read: ${why}`, { code, path, cause })
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
