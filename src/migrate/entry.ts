import { join } from 'node:path'
import { disk } from '../system/disk.ts'
import { readIfAllowed } from './crontab.ts'

/** A file of Python's at the top of a connector. */
export type Script = { readonly name: string; readonly isProgram: boolean }

/** What is most likely run in a connector: a file of a usual name, or the only one that is a program. Null: unclear. */
export function guessEntry(scripts: readonly Script[]): string | null {
  const usual = ['main.py', 'client.py'].find((name) => scripts.some((one) => one.name === name))
  if (usual !== undefined) return usual
  const [first, ...others] = scripts.filter(({ isProgram }) => isProgram)
  return first === undefined || others.length > 0 ? null : first.name
}

/** The files of Python's at the top of a folder (absolute). */
export async function readScripts(folder: string): Promise<Script[]> {
  const names = disk.list(folder).filter((name) => name.endsWith('.py'))
  const scripts = names.map(async (name) => {
    const text = await readIfAllowed(join(folder, name))
    return { name, isProgram: /^if\s+__name__\s*==\s*(['"])__main__\1/m.test(text) }
  })
  return Promise.all(scripts)
}
