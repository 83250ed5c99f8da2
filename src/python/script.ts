import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { within } from '../system/clock.ts'
import { type CommandResult, command } from '../system/command.ts'
import type { Interpreter } from './interpreter.ts'
import { asDaemon, type Behalf } from './worker.ts'

/** One of the scripts of this folder, started and waiting for its question. */
export type Script = {
  /** Puts the question, as JSON; its stdout is the JSON answer. `end` ends it early. Never throws. */
  readonly ask: (question: unknown, timeoutMs: number, end: AbortSignal) => Promise<CommandResult>
  /** True until it is asked, is dropped or ends. */
  readonly isWaiting: () => boolean
  /** Ends it: it will not be asked. */
  readonly drop: () => void
}

/**
 * Starts one of the scripts of this folder, on behalf of a user.
 * -I and -S: a deposited ast.py or struct.py must not be imported here. -B: it leaves nothing behind.
 */
export function startScript(
  name: 'check.py' | 'unpack.py',
  python: Interpreter,
  behalf: Behalf = asDaemon,
): Script {
  const place = fileURLToPath(new URL(`../python/${name}`, import.meta.url))
  // Another user may not be able to read where we are installed.
  const script = behalf.owner === null ? [place] : ['-c', readFileSync(place, 'utf8')]
  const args = ['-I', '-S', '-B', '-X', 'utf8', '-W', 'ignore', ...script]
  const [file = '', ...rest] = [...behalf.asUser, python.path, ...args]
  const input = new PassThrough()
  const over = new AbortController()
  const noLimit = 0
  const options = { env: behalf.env, input, timeoutMs: noLimit, cwd: '/', end: over.signal }
  let isWaiting = true
  const done = command(file, rest, options).finally(() => {
    isWaiting = false
  })
  return {
    async ask(question, timeoutMs, end) {
      isWaiting = false
      input.end(JSON.stringify(question))
      const first = await within(done, end, timeoutMs)
      if (first.is !== 'done') over.abort()
      return done
    },
    isWaiting: () => isWaiting,
    drop() {
      isWaiting = false
      over.abort()
    },
  }
}

/** What a script that failed said last: the exception, without its traceback. */
export function lastLine({ output }: CommandResult): string {
  return output.split('\n').at(-1) ?? output
}
