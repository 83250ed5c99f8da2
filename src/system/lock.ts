import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { isOutOfSpace, OperationalError } from '../errors.ts'
import { command } from './command.ts'

/** Held as long as the process lives, or until `release`. */
export type Lock = { readonly release: () => void }

/**
 * Takes the lock of a file, or says which process (by the number it wrote there) has it.
 *
 * Node has no flock(2), but the lock belongs to the open file and not to who asked for it: the
 * `flock` command locks the file it was handed as stdin and exits; the lock stays with our own open
 * file. The kernel frees it when this process ends, however it ends: there is no stale lock.
 */
export async function takeLock(path: string): Promise<Lock | { readonly heldBy: string }> {
  const file = openSync(path, 'a+', 0o600)
  const done = await command('flock', ['-n', '0'], { stdin: file })
  if (done.exitCode === 0) {
    noteHolder(file)
    return { release: () => closeSync(file) }
  }
  closeSync(file)
  if (done.exitCode === 1) return { heldBy: readFileSync(path, 'utf8').trim() }
  throw new OperationalError(`could not lock ${path}: ${done.output}`, {
    code: done.code ?? 'ELOCK',
    path,
    hint: 'the command `flock` is needed: sudo apt install util-linux',
  })
}

/** The number is for people only: on a full disk the lock holds without it. */
function noteHolder(file: number): void {
  try {
    ftruncateSync(file)
    writeSync(file, `${process.pid}\n`)
  } catch (error) {
    if (!isOutOfSpace(error)) throw error
  }
}
