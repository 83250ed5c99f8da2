import { closeSync, constants, fsyncSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** Writes a file for this user alone, anew or at its end, and makes its content durable; its name is not yet. */
export async function writeDurably(
  path: string,
  data: string | Buffer,
  how: 'w' | 'a' = 'w',
): Promise<void> {
  const file = await open(path, how, 0o600)
  try {
    await file.writeFile(data)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a folder durable. */
export async function syncDir(path: string | Buffer): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Makes the content of a file durable. */
export function syncFile(path: Buffer): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
