import { codeOf } from '../errors.ts'
import { findInterpreter, type Interpreter } from '../python/interpreter.ts'
import { command } from '../system/command.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { installLine } from './line.ts'
import { isOlder } from './node.ts'
import type { Machine } from './patient.ts'

/** Below it archives cannot be unpacked: `gzip.BadGzipFile` is new in it. */
const leastVersion = '3.8'

/** What our own scripts import, apart from what every Python has built in. */
const modules = ['ctypes', 'fcntl', 'gzip', 'json', 'lzma', 'resource', 'tarfile', 'zipfile']

/** What is known of the machine's Python. */
export type Python = {
  readonly interpreter: Interpreter
  /** Modules that cannot be imported; of our own, and those that make an environment. */
  readonly missing: readonly string[]
}

/** Is there a Python that main.py and our own scripts can run with? */
export const python: Check = {
  name: 'python',
  look: async (machine) => judgePython(await readPython(), machine),
}

/** `null`: there is none. */
export function judgePython(found: Python | null, machine: Machine): readonly Finding[] {
  if (found === null) {
    return [error('python', doctorWords.noPython, installLine(machine, 'python3'))]
  }
  const { version, path } = found.interpreter
  const lacking = modules.filter((name) => found.missing.includes(name))
  // apt mends the system's own Python only.
  const fix = path.startsWith('/usr/bin/') ? installLine(machine, 'python3') : undefined
  return [
    lacking.length > 0
      ? error('python', doctorWords.pythonLacks(lacking), fix)
      : isOlder(version, leastVersion)
        ? warning('python', doctorWords.pythonOld(version, leastVersion))
        : ok('python', doctorWords.python(version, path)),
    judgeVenv(found, machine),
  ]
}

/** Debian has `venv` in the Python it installs, but puts `ensurepip` into a package of its own. */
function judgeVenv({ interpreter, missing }: Python, machine: Machine): Finding {
  const check = 'python-venv'
  if (!missing.includes('venv') && !missing.includes('ensurepip')) {
    return ok(check, doctorWords.venv)
  }
  const isSystems = interpreter.path.startsWith('/usr/bin/')
  return warning(
    check,
    doctorWords.noVenv,
    isSystems ? installLine(machine, 'python3-venv') : undefined,
  )
}

const question = `
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        print(name)
`

async function readPython(): Promise<Python | null> {
  try {
    const interpreter = await findInterpreter()
    const names = [...modules, 'venv', 'ensurepip']
    const asked = await command(interpreter.path, ['-I', '-c', question, ...names], { cwd: '/' })
    return { interpreter, missing: asked.stdout.split('\n').filter(Boolean) }
  } catch (error) {
    if (codeOf(error) === 'ENOPYTHON') return null
    throw error
  }
}
