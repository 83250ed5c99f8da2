import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/**
 * The flags that open a file for reading which somebody may have put anything in the place of: it never
 * goes through a link, nor waits at a pipe.
 */
export const foreignRead = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The SHA-256 of such a file, in hex. Fails with the system's error when it cannot be read. */
export async function sha256Of(path: string | Buffer): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, foreignRead)
  await pipeline(file.createReadStream(), hash)
  return hash.digest('hex')
}
