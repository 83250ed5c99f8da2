import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { isOutOfSpace, OperationalError } from '../errors.ts'
import { command } from './command.ts'

/** Held as long as the process lives, or until `release`. */
export type Lock = { readonly release: () => void }

/** Who holds a lock, by the note it has left: the number of its process, and the folder of the parent it runs. */
export type Holder = { readonly pid: string; readonly parent: string | null }

/**
 * Takes the lock of a folder, or says who has it. `parent`: the folder of the daemon's that runs many projects;
 * null when this is a project of its own.
 *
 * Node has no flock(2), but the lock belongs to the open folder and not to who asked for it: the
 * `flock` command locks what it was handed as stdin and exits; the lock stays with our own open
 * descriptor. The kernel frees it when this process ends, however it ends: there is no stale lock. And
 * unlike a lock file, nobody removes the folder by mistake while a daemon works in it.
 */
export async function takeLock(
  folder: string,
  note: string,
  parent: string | null = null,
): Promise<Lock | { readonly heldBy: Holder }> {
  const descriptor = openSync(folder, 'r')
  const done = await command('flock', ['-n', '0'], { stdin: descriptor })
  if (done.exitCode === 0) {
    noteHolder(note, parent)
    return { release: () => closeSync(descriptor) }
  }
  closeSync(descriptor)
  if (done.exitCode === 1) return { heldBy: holderIn(note) }
  throw new OperationalError(`could not lock ${folder}: ${done.output}`, {
    code: done.code ?? 'ELOCK',
    path: folder,
    hint: 'the command `flock` is needed: sudo apt install util-linux',
  })
}

/** The number is for people only: on a full disk the lock holds without it. */
function noteHolder(note: string, parent: string | null): void {
  const of = parent === null ? '' : `${parent}\n`
  try {
    writeFileSync(note, `${process.pid}\n${of}`, { mode: 0o644 })
  } catch (error) {
    if (!isOutOfSpace(error)) throw error
  }
}

/** Who has left this note: the holder of the lock, or the last one. */
export function holderIn(note: string): Holder {
  try {
    const [pid = '', parent = ''] = readFileSync(note, 'utf8').split('\n')
    return { pid, parent: parent === '' ? null : parent }
  } catch {
    return { pid: '', parent: null }
  }
}
