import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WriterAnswer, Writers } from '../model.ts'
import { within } from '../system/clock.ts'
import type { Interpreter } from './interpreter.ts'

const script = fileURLToPath(new URL('./lease.py', import.meta.url))

/** Paths in one question. */
const sliceLength = 2_000

/** What the helper's letters mean. */
const meaning: Readonly<Record<string, WriterAnswer>> = {
  f: 'free',
  b: 'busy',
  g: 'gone',
  u: 'unknown',
}

type Helper = {
  readonly child: ChildProcessWithoutNullStreams
  /** One line for each question. */
  readonly answers: AsyncIterator<string>
}

/**
 * Opens the resident helper that knows who is writing: Node cannot ask for a lease itself. It is
 * started at the first question, and again if it died; while it cannot be, all is `unknown`.
 */
export function openWriters(python: Interpreter, timeoutMs: number): Writers {
  let helper: Helper | null = null
  let last: Promise<unknown> = Promise.resolve()

  function start(): Helper {
    // -I -S: nothing of the environment, the working directory or site-packages is imported.
    const child = spawn(python.path, ['-I', '-S', script], { cwd: '/', stdio: 'pipe' })
    const forget = () => {
      if (helper?.child === child) helper = null
    }
    child.on('error', forget).on('exit', forget)
    child.stdin.on('error', forget)
    child.stderr.resume()
    return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  }

  async function put(paths: readonly Buffer[]): Promise<WriterAnswer[]> {
    helper ??= start()
    const body = Buffer.concat(paths.flatMap((path) => [path, Buffer.from([0])]))
    helper.child.stdin.write(Buffer.concat([Buffer.from(`${paths.length} ${body.length}\n`), body]))
    const line = await within(helper.answers.next(), new AbortController().signal, timeoutMs)
    const letters = line.is === 'done' && !line.value.done ? line.value.value : ''
    if (letters.length !== paths.length) throw new Error('the lease helper gave no answer')
    return [...letters].map((letter) => meaning[letter] ?? 'unknown')
  }

  /** In slices, each with a time limit of its own: a slow card must not make all of it unknown. */
  async function askAll(paths: readonly Buffer[]): Promise<WriterAnswer[]> {
    const answers: WriterAnswer[] = []
    for (let at = 0; at < paths.length; at += sliceLength) {
      for (const one of await askTwice(paths.slice(at, at + sliceLength))) answers.push(one)
    }
    return answers
  }

  async function askTwice(paths: readonly Buffer[]): Promise<WriterAnswer[]> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        return await put(paths)
      } catch {
        // It died, or hangs on a dead mount: the next question starts a new one.
        helper?.child.kill('SIGKILL')
        helper = null
      }
    }
    return paths.map(() => 'unknown')
  }

  return {
    ask(paths) {
      if (paths.length === 0) return Promise.resolve([])
      // One question at a time: answers carry no name.
      const next = last.then(() => askAll(paths))
      last = next
      return next
    },
    async close() {
      const ending = helper?.child
      helper = null
      if (ending === undefined || ending.exitCode !== null) return
      ending.stdin.end()
      const forced = setTimeout(() => ending.kill('SIGKILL'), timeoutMs)
      await once(ending, 'exit')
      clearTimeout(forced)
    },
  }
}
