import { join } from 'node:path'
import { disk } from '../system/disk.ts'
import { readIfAllowed } from './crontab.ts'

/** A virtual environment of the old tool, named as its connector. */
export type OldEnvironment = {
  /** Absolute. */
  readonly path: string
  /** Of its Python, such as `3.11.2`; null: it does not say. */
  readonly version: string | null
  /** Its interpreter is there. */
  readonly isWhole: boolean
}

/** Finds the environment of a connector in one of the folders `.pyenv` (absolute), the first that has it; null: none. */
export async function findEnvironment(
  name: string,
  folders: readonly string[],
): Promise<OldEnvironment | null> {
  const path = folders
    .map((folder) => join(folder, name))
    .find((one) => disk.kind(`${one}/.`) !== null)
  if (path === undefined) return null
  const settings = await readIfAllowed(join(path, 'pyvenv.cfg'))
  const version = /^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)/m.exec(settings)?.[1] ?? null
  // With the links followed: an upgrade of the system takes away what they lead to.
  const python = disk.realPath(join(path, 'bin/python'))
  return { path, version, isWhole: disk.kind(python) === 'file' }
}

/** True when both are the same but for the last number: 3.11.2 and 3.11.9 have the same packages. */
export function isSamePython(one: string, other: string): boolean {
  const minor = (version: string) => version.split('.').slice(0, 2).join('.')
  return minor(one) === minor(other)
}
