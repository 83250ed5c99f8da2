import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'

/** The Python that runs the program. */
export type Interpreter = {
  /** Absolute: a shim or a search through PATH at every start would cost time. */
  readonly path: string
  /** Such as `3.11.2`. */
  readonly version: string
  /** Where the program's imports are looked for, apart from main itself. */
  readonly searchPath: readonly string[]
  /** What its compiled modules must be made for, such as `cpython-311-x86_64-linux-gnu-x86_64`. */
  readonly abi: string
}

/** Finds `python3`, or else `python` (3 or newer). Fails with a hint when there is none. */
export async function findInterpreter(): Promise<Interpreter> {
  for (const name of ['python3', 'python']) {
    const found = await askInterpreter(name)
    if (found !== null) return found
  }
  throw new OperationalError('there is no Python 3 on this machine', {
    code: 'ENOPYTHON',
    hint: 'sudo apt install python3',
  })
}

const question = `
import json, os, sys
abi = sys.implementation.cache_tag + getattr(sys, "abiflags", "")
abi = "-".join([abi, getattr(sys.implementation, "_multiarch", ""), os.uname().machine])
print(json.dumps([sys.executable, "%d.%d.%d" % sys.version_info[:3], [p for p in sys.path if p], abi]))
`

type Answer = [string, string, string[], string]

/** Asks a Python, by its path or a name in PATH, what it is; null when it is no Python 3. */
export async function askInterpreter(name: string): Promise<Interpreter | null> {
  // In the root folder: `-c` would import modules from the working directory.
  const answer = await command(name, ['-c', question], { timeoutMs: 30_000, cwd: '/' })
  if (answer.exitCode !== 0) return null
  const [path, version, searchPath, abi] = JSON.parse(answer.stdout) as Answer
  return path.startsWith('/') && version.startsWith('3.')
    ? { path, version, searchPath, abi }
    : null
}
