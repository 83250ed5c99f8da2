import { closeSync, fstatSync, write as writeFd } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'

/** What a sink writes into. */
export type Outlet = {
  /** Writes some of the bytes, at least one, and says how many. Rejects when it takes none. */
  readonly write: (bytes: Buffer) => Promise<number>
  /** Closes it, also while a write is under way. */
  readonly close: () => void
}

const write = promisify(writeFd)

/** The number of /dev/null (null(4)): major 1, minor 3. */
const nullDevice = 0x103

/** An open file as an outlet. */
export function fileOutlet(file: number): Outlet {
  return {
    write: async (bytes) => (await write(file, bytes)).bytesWritten,
    close: () => closeSync(file),
  }
}

/** The daemon's own stdout as an outlet; null where it leads to /dev/null, and nobody reads it. */
export function consoleOutlet(): Outlet | null {
  const stdout = 1
  const stat = fstatSync(stdout)
  if (stat.isCharacterDevice() && stat.rdev === nullDevice) return null
  if (!stat.isFIFO() && !stat.isSocket()) return { ...fileOutlet(stdout), close: () => undefined }
  // A write to a pipe that nobody reads never returns, and Node waits for it before it exits.
  // A socket of our own does not block; Node's stdout would, the whole process.
  const socket = new Socket({ fd: stdout, readable: false, writable: true })
  // Each write is told of its error itself.
  socket.on('error', () => undefined)
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve(bytes.length)))
      }),
    close: () => socket.destroy(),
  }
}
