import { OperationalError } from '../errors.ts'
import { releaseWords } from '../words-release.ts'
import type { Interpreter } from './interpreter.ts'
import { type Script, startScript, whyNot } from './script.ts'
import type { Behalf } from './worker.ts'

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
 * modules that are missing. One process for all. A checker that dies, comes no further for `patienceMs`,
 * or is ended by `end`, is an OperationalError with code `ECHECK`.
 */
export async function checkPython(
  question: Question,
  python: Interpreter,
  patienceMs: number,
  end: AbortSignal,
  script: Script,
): Promise<Findings> {
  const asked = { ...question, search: python.searchPath }
  const answer = await script.ask(asked, patienceMs, end)
  if (answer.is === 'done' && answer.value.exitCode === 0) {
    const found = JSON.parse(answer.value.stdout) as Findings
    return { ...found, bytecode: found.bytecode.filter(isBytecode) }
  }
  const why = whyNot(answer, patienceMs, 'verify.check')
  throw new OperationalError(releaseWords.notChecked(why), { code: 'ECHECK' })
}

/** Starts a checker. It runs as `behalf` says. */
export function startChecker(python: Interpreter, behalf: Behalf): Script {
  return startScript('check.py', python, behalf)
}

/** A checker that is started ahead of its question: Python takes longer to start than to check a file. */
export type Ahead = {
  /** There will be a question soon. */
  readonly expect: (python: Interpreter, behalf: Behalf) => void
  /** The checker that was started for this; a new one if there is none. */
  readonly take: (python: Interpreter, behalf: Behalf) => Script
  /** Ends the one that waits. */
  readonly close: () => void
}

/** `patienceMs`: how long a checker that nobody asks is kept. */
export function openAhead(patienceMs: number): Ahead {
  let waiting: {
    readonly script: Script
    readonly python: Interpreter
    readonly behalf: Behalf
    readonly patience: NodeJS.Timeout
  } | null = null

  function forget(): void {
    clearTimeout(waiting?.patience)
    waiting = null
  }

  function close(): void {
    if (waiting?.script.isWaiting()) waiting.script.drop()
    forget()
  }

  return {
    expect(python, behalf) {
      if (waiting?.script.isWaiting()) return
      forget()
      const patience = setTimeout(close, patienceMs).unref()
      waiting = { script: startChecker(python, behalf), python, behalf, patience }
    },
    close,
    take(python, behalf) {
      const found = waiting
      const isIt = found?.python.path === python.path && found.behalf === behalf
      if (found?.script.isWaiting() && isIt) {
        forget()
        return found.script
      }
      close()
      return startChecker(python, behalf)
    },
  }
}

/** What is moved on the word of a process that is not the daemon's must stay inside. */
function isBytecode(path: string): boolean {
  return path.endsWith('.pyc') && !path.startsWith('/') && !path.split('/').includes('..')
}
