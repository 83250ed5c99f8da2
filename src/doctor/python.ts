import { codeOf, messageOf } from '../errors.ts'
import { findInterpreter, type Interpreter } from '../python/interpreter.ts'
import { command } from '../system/command.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok, warning } from './finding.ts'
import { installLine } from './line.ts'
import { isOlder } from './node.ts'
import type { Machine, Patient } from './patient.ts'
import { editLine } from './settings.ts'

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
export const python: Check<Patient> = {
  name: 'python',
  look: async (patient) => {
    const wanted = patient.config.program.python
    const { project } = patient.paths
    try {
      const interpreter = await findInterpreter(wanted, project)
      return judgePython({ interpreter, missing: await missingIn(interpreter) }, patient)
    } catch (failure) {
      if (codeOf(failure) !== 'ENOPYTHON') throw failure
      const fix = wanted === '' ? installLine(patient, 'python3') : editLine(project)
      return [error('python', wanted === '' ? doctorWords.noPython : messageOf(failure), fix)]
    }
  },
}

/** What can be said of a Python that is there. */
export function judgePython(found: Python, machine: Machine): readonly Finding[] {
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

async function missingIn(interpreter: Interpreter): Promise<string[]> {
  const names = [...modules, 'venv', 'ensurepip']
  const asked = await command(interpreter.path, ['-I', '-c', question, ...names], { cwd: '/' })
  return asked.stdout.split('\n').filter(Boolean)
}
