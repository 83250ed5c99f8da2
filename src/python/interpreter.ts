import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'

/** The Python that runs the program. */
export type Interpreter = {
  /** Absolute: a shim or a search through PATH at every start would cost time. */
  readonly path: string
  /** Such as `3.11.2`. */
  readonly version: string
}

/** Finds `python3`, or else `python` (3 or newer). Fails with a hint when there is none. */
export async function findInterpreter(): Promise<Interpreter> {
  for (const name of ['python3', 'python']) {
    const found = await ask(name)
    if (found !== null) return found
  }
  throw new OperationalError('there is no Python 3 on this machine', {
    code: 'ENOPYTHON',
    hint: 'sudo apt install python3',
  })
}

async function ask(name: string): Promise<Interpreter | null> {
  // -I: nothing from the environment or the working directory is imported. -S: no site packages.
  const question = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])'
  const answer = await command(name, ['-I', '-S', '-c', question], { timeoutMs: 30_000 })
  const [path, version] = answer.output.split('\n')
  if (answer.exitCode !== 0 || path === undefined || version === undefined) return null
  return path.startsWith('/') && /^3\./.test(version) ? { path, version } : null
}
