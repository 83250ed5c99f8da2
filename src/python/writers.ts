import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WriterAnswer, Writers } from '../model.ts'
import { within } from '../system/clock.ts'
import type { Interpreter } from './interpreter.ts'

const script = fileURLToPath(new URL('../python/lease.py', import.meta.url))

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
 * Opens the helper that knows who is writing: Node cannot ask for a lease itself. It is started at a
 * question, and again if it died; while it cannot be, all is `unknown`. When nothing was asked for
 * `restMs` it is ended; without that it stays.
 */
export function openWriters(python: Interpreter, timeoutMs: number, restMs?: number): Writers {
  let helper: Helper | null = null
  let last: Promise<unknown> = Promise.resolve()
  let rest: NodeJS.Timeout | undefined

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

  /** One question at a time: answers carry no name. */
  async function askNext(paths: readonly Buffer[]): Promise<WriterAnswer[]> {
    clearTimeout(rest)
    const answers = await askAll(paths)
    // At the end of its input it ends by itself.
    if (restMs !== undefined) rest = setTimeout(() => leave()?.stdin.end(), restMs).unref()
    return answers
  }

  /** The helper that was there; from here on there is none. */
  function leave(): Helper['child'] | undefined {
    const left = helper?.child
    helper = null
    return left
  }

  return {
    ask(paths) {
      if (paths.length === 0) return Promise.resolve([])
      const next = last.then(() => askNext(paths))
      last = next
      return next
    },
    async close() {
      clearTimeout(rest)
      const ending = leave()
      if (ending === undefined || ending.exitCode !== null) return
      ending.stdin.end()
      const forced = setTimeout(() => ending.kill('SIGKILL'), timeoutMs)
      await once(ending, 'exit')
      clearTimeout(forced)
    },
  }
}
