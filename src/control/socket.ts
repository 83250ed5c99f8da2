import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../config.ts'

/** The control socket's place, absolute. */
export function socketOf({ run }: Pick<Paths, 'run'>): string {
  return join(run, name)
}

const name = 'control.sock'

/** unix(7): an address has room for 108 bytes, the last of them a zero. */
const maxAddressBytes = 107

/**
 * An address of the socket that is short enough for any system call. A path that is
 * too long is named through an open descriptor of its folder; `close` is for when it is not used
 * any more.
 */
export function addressOf(paths: Pick<Paths, 'run'>): {
  readonly address: string
  readonly close: () => void
} {
  const place = socketOf(paths)
  if (Buffer.byteLength(place) <= maxAddressBytes) return { address: place, close: () => undefined }
  const folder = openSync(paths.run, 'r')
  return { address: `/proc/self/fd/${folder}/${name}`, close: () => closeSync(folder) }
}
