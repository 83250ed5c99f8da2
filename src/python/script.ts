import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CommandResult, command } from '../system/command.ts'
import type { Interpreter } from './interpreter.ts'
import { asDaemon, type Behalf } from './worker.ts'

/**
 * Runs one of the scripts of this folder: a JSON question goes in, and its stdout is the JSON answer.
 * -I and -S: a deposited ast.py or struct.py must not be imported here. -B: it leaves nothing behind.
 * `end` ends it early; `behalf`: as whom. Never throws.
 */
export function runScript(
  name: 'check.py' | 'unpack.py',
  question: unknown,
  python: Interpreter,
  timeoutMs: number,
  end: AbortSignal,
  behalf: Behalf = asDaemon,
): Promise<CommandResult> {
  const place = fileURLToPath(new URL(`../python/${name}`, import.meta.url))
  // Another user may not be able to read where we are installed.
  const script = behalf.owner === null ? [place] : ['-c', readFileSync(place, 'utf8')]
  const args = ['-I', '-S', '-B', '-X', 'utf8', '-W', 'ignore', ...script]
  const [file = '', ...rest] = [...behalf.asUser, python.path, ...args]
  return command(file, rest, {
    env: behalf.env,
    input: JSON.stringify(question),
    timeoutMs,
    cwd: '/',
    end,
  })
}

/** What a script that failed said last: the exception, without its traceback. */
export function lastLine({ output }: CommandResult): string {
  return output.split('\n').at(-1) ?? output
}
