import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type First, withDeadline, within } from '../system/clock.ts'
import { type CommandResult, command } from '../system/command.ts'
import { words } from '../words.ts'
import { releaseWords } from '../words-release.ts'
import type { Interpreter } from './interpreter.ts'
import { asDaemon, type Behalf } from './worker.ts'

/** One of the scripts of this folder, started and waiting for its question. */
export type Script = {
  /**
   * Puts the question, as JSON; its stdout is the JSON answer. A long one takes as long as it must: it is
   * ended, and late, when it has come no further for `patienceMs`, which a line break on its stdout tells
   * (in JSON that is white space). `end` ends it early. Never throws.
   */
  readonly ask: (
    question: unknown,
    patienceMs: number,
    end: AbortSignal,
  ) => Promise<First<CommandResult>>
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
  let goesOn: () => void = () => undefined
  const options = {
    env: behalf.env,
    input,
    timeoutMs: noLimit,
    cwd: '/',
    end: over.signal,
    heard: () => goesOn(),
  }
  let isWaiting = true
  const done = command(file, rest, options).finally(() => {
    isWaiting = false
  })
  return {
    async ask(question, patienceMs, end) {
      isWaiting = false
      input.end(JSON.stringify(question))
      const deadline = withDeadline(patienceMs, end)
      goesOn = deadline.renew
      const first = await within(done, deadline.signal)
      deadline.clear()
      if (first.is === 'done') return first
      over.abort()
      await done
      return { is: end.aborted ? 'aborted' : 'late' }
    },
    isWaiting: () => isWaiting,
    drop() {
      isWaiting = false
      over.abort()
    },
  }
}

/**
 * Why there is no answer: what the script said last, which is the exception without its traceback, or that
 * it came no further for `patienceMs`; `setting` is the key that allows more.
 */
export function whyNot(answer: First<CommandResult>, patienceMs: number, setting: string): string {
  switch (answer.is) {
    case 'done':
      return answer.value.output.split('\n').at(-1) ?? ''
    case 'late':
      return releaseWords.noFurther(patienceMs, setting)
    case 'aborted':
      return words.endingNow
  }
}
