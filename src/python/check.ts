import { fileURLToPath } from 'node:url'
import { OperationalError } from '../errors.ts'
import { command } from '../system/command.ts'
import type { Interpreter } from './interpreter.ts'

/** What `check.py` is asked. All paths are absolute but those called relative. */
export type Question = {
  readonly files: readonly {
    readonly read: string
    readonly place: string
    /** Relative to main. */
    readonly path: string
  }[]
  /** Where the bytecode goes. */
  readonly bytecode: string
  /** Relative to main. */
  readonly entry: string
  readonly roots: readonly string[]
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

const script = fileURLToPath(new URL('./check.py', import.meta.url))

/**
 * Compiles the files with the program's own interpreter, running none of them, and looks for
 * modules that are missing. One process for all. A checker that dies, takes too long, or is ended by `end`, is an
 * OperationalError with code `ECHECK`.
 */
export async function checkPython(
  question: Question,
  python: Interpreter,
  limits: { readonly ms: number; readonly msPerFile: number },
  end: AbortSignal,
): Promise<Findings> {
  // -I -S: a deposited ast.py or struct.py must not be imported here. -B: it leaves nothing behind.
  const done = await command(
    python.path,
    ['-I', '-S', '-B', '-X', 'utf8', '-W', 'ignore', script],
    {
      input: JSON.stringify({ ...question, search: python.searchPath }),
      timeoutMs: limits.ms + limits.msPerFile * question.files.length,
      cwd: '/',
      end,
    },
  )
  if (done.exitCode === 0) return JSON.parse(done.stdout) as Findings
  throw new OperationalError(`its Python files could not be checked: ${lastLine(done.output)}`, {
    code: 'ECHECK',
  })
}

function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? text
}
