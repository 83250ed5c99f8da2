import { resolve } from 'node:path'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import { words } from '../words.ts'

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

/**
 * Finds the Python that the settings name: a command, or a path, relative to `project`. If they name
 * none, it is `python3`, or else `python` (3 or newer). Fails with a hint when there is none.
 */
export async function findInterpreter(wanted = '', project = '/'): Promise<Interpreter> {
  if (wanted !== '') {
    const file = wanted.includes('/') ? resolve(project, wanted) : wanted
    const found = await askInterpreter(file)
    if ('path' in found) return found
    throw new OperationalError(words.badPython(file, found.why), {
      code: 'ENOPYTHON',
      path: file,
      hint: words.badPythonHint,
    })
  }
  for (const name of ['python3', 'python']) {
    const found = await askInterpreter(name)
    if ('path' in found) return found
  }
  throw new OperationalError('there is no Python 3 on this machine', {
    code: 'ENOPYTHON',
    hint: 'sudo apt install python3',
  })
}

const question = `
import json, os, sys
kind = getattr(sys, "implementation", None)
abi = getattr(kind, "cache_tag", None) or ""
abi = "-".join([abi + getattr(sys, "abiflags", ""), getattr(kind, "_multiarch", ""), os.uname()[4]])
print(json.dumps([sys.executable, "%d.%d.%d" % sys.version_info[:3], [p for p in sys.path if p], abi]))
`

/**
 * Asks a Python, by its path or a name in PATH, what it is, or why it is none. `prefix` are commands that
 * go before it.
 */
export async function askInterpreter(
  file: string,
  prefix: readonly string[] = [],
): Promise<Interpreter | { readonly why: string }> {
  const [first = file, ...rest] = [...prefix, file]
  // In the root folder: `-c` would import modules from the working directory.
  const options = { timeoutMs: 30_000, cwd: '/' }
  const answer = await command(first, [...rest, '-c', question], options)
  if (answer.code === 'ENOENT') return { why: 'it is not there' }
  if (answer.code === 'EACCES') return { why: 'this user may not run it' }
  const [path, version, searchPath, abi = ''] = answer.exitCode === 0 ? parsed(answer.stdout) : []
  if (!path?.startsWith('/') || searchPath === undefined) return { why: 'it is no Python' }
  if (!version?.startsWith('3.')) return { why: `it is Python ${version}` }
  return { path, version, searchPath, abi }
}

type Answer = [path: string, version: string, searchPath: string[], abi: string]

/** Whatever was asked may have answered anything. */
function parsed(answer: string): Partial<Answer> {
  try {
    const found: unknown = JSON.parse(answer)
    return Array.isArray(found) ? (found as Answer) : []
  } catch {
    return []
  }
}
