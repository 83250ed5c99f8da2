import { OperationalError } from '../errors.ts'
import type { Interpreter } from './interpreter.ts'
import { lastLine, runScript } from './script.ts'
import { asDaemon, type Behalf } from './worker.ts'

/** What `check.py` is asked. All paths are absolute but those called relative. */
export type Question = {
  readonly files: readonly {
    readonly read: string
    readonly place: string
    /** Relative to main. */
    readonly path: string
  }[]
  /** Where the bytecode goes; null: it is not kept. */
  readonly bytecode: string | null
  /** Relative to main. */
  readonly entry: string
  /** The new files, then main. */
  readonly roots: readonly string[]
  /** What counts in the first of them, relative to it; null: all that lies there. */
  readonly staged: readonly string[] | null
  /** Relative to main. */
  readonly gone: readonly string[]
}

/** What it found. Paths are relative to main. */
export type Findings = {
  readonly errors: readonly { path: string; line: number | null; message: string }[]
  /** The compiled files, relative to the bytecode folder. */
  readonly bytecode: readonly string[]
  /** Modules that the program imports at its start and that are nowhere. */
  readonly missing: readonly { module: string; path: string; line: number }[]
}

/**
 * Compiles the files with the program's own interpreter, running none of them, and looks for
 * modules that are missing. One process for all. A checker that dies, takes too long, or is ended by
 * `end`, is an OperationalError with code `ECHECK`. It runs as `behalf` says.
 */
export async function checkPython(
  question: Question,
  python: Interpreter,
  limits: { readonly ms: number; readonly msPerFile: number },
  end: AbortSignal,
  behalf: Behalf = asDaemon,
): Promise<Findings> {
  const asked = { ...question, search: python.searchPath }
  const timeoutMs = limits.ms + limits.msPerFile * question.files.length
  const done = await runScript('check.py', asked, python, timeoutMs, end, behalf)
  if (done.exitCode === 0) {
    const found = JSON.parse(done.stdout) as Findings
    return { ...found, bytecode: found.bytecode.filter(isBytecode) }
  }
  throw new OperationalError(`its Python files could not be checked: ${lastLine(done)}`, {
    code: 'ECHECK',
  })
}

/** What is moved on the word of a process that is not the daemon's must stay inside. */
function isBytecode(path: string): boolean {
  return path.endsWith('.pyc') && !path.startsWith('/') && !path.split('/').includes('..')
}
