import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { afterwards } from './cleanup.ts'
import { killGroup, programsOf } from './processes.ts'
import { makeProject } from './project.ts'

/** A running daemon, the built one, as a user runs it. */
export type Daemon = {
  readonly dir: string
  readonly pid: number
  /** All it has printed so far. */
  readonly output: () => string
  /**
   * Waits for a line that matches, after the last match there was when it was called, and returns the
   * match. For lines in any order: Promise.all. Fails with all that was printed when it does not
   * come in time, or the daemon ends.
   */
  readonly says: (pattern: RegExp, ms?: number) => Promise<RegExpExecArray>
  /** Resolves with exit code or signal when it has ended. */
  readonly ended: Promise<number | string>
  /** Sends a signal and waits for its end. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | string>
}

/** The built entry. */
export const supervisorJs = fileURLToPath(new URL('../../../dist/supervisor.js', import.meta.url))

/** The environment tests run programs in: a developer's own settings must not decide a test. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(PYTHON|PIP_|GIT_|NODE_)/.test(name),
  )
  path ??= pathWithPython()
  return { ...Object.fromEntries(own), PATH: path }
}

let path: string | undefined

/** What PATH has for Python may be a slow script that looks for it: the interpreter itself goes first. */
function pathWithPython(): string {
  const { PATH = '' } = process.env
  const script = 'import sys; print(sys.executable)'
  const { stdout } = spawnSync('python3', ['-I', '-S', '-c', script], { encoding: 'utf8' })
  return stdout ? `${dirname(stdout.trim())}:${PATH}` : PATH
}

/**
 * Starts the daemon in `dir` (without it: a new project with fast settings). It is killed, with its
 * program, when the test ends. With `uid` it runs as that user, in no other group; with `through`
 * that command runs it in its own place.
 */
export async function startDaemon(
  t: TestContext,
  dir?: string,
  env: NodeJS.ProcessEnv = {},
  uid?: number,
  through: readonly string[] = [],
): Promise<Daemon> {
  const project = dir ?? (await makeProject(t))
  const [command = '', ...args] = [...through, process.execPath, supervisorJs]
  const child = spawn(command, args, {
    cwd: project,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  afterwards(t, () => killWithProgram(child, project))
  let output = ''
  const looks = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of looks) look()
    })
  }
  const closed = once(child, 'close')
  let at = 0
  function says(pattern: RegExp, ms = 60_000): Promise<RegExpExecArray> {
    const match = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
    // What has been looked through is not looked through again, or much output would take for ever.
    const isOneLine = !/\\[nsSW]|\[\^/.test(pattern.source) && !pattern.flags.includes('s')
    let from = at
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        finish()
        reject(new Error(`the daemon ${why}: ${pattern}\nAll it said:\n${output}`))
      }
      const timer = setTimeout(() => fail(`did not say within ${ms} ms`), ms)
      const finish = () => {
        clearTimeout(timer)
        looks.delete(look)
      }
      const look = () => {
        match.lastIndex = from
        const found = match.exec(output)
        if (found === null) {
          if (isOneLine) from = Math.max(from, output.lastIndexOf('\n') + 1)
          return
        }
        at = Math.max(at, found.index + found[0].length)
        finish()
        resolve(found)
      }
      looks.add(look)
      look()
      void closed.then(() => looks.has(look) && fail('ended without saying'))
    })
  }
  return {
    dir: project,
    pid: child.pid ?? 0,
    output: () => output,
    says,
    ended,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Ends a daemon however it stands, and the program it recorded, by their numbers. */
async function killWithProgram(child: ChildProcess, project: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const record = await readFile(join(project, '.supervisor/program.json'), 'utf8').catch(() => '{}')
  const pid: unknown = JSON.parse(record || '{}').leader?.pid
  if (typeof pid === 'number') killGroup(pid)
}

/** Ends the daemon and sees that nothing of its program is left. */
export async function endsWithNobodyLeft(daemon: Daemon): Promise<void> {
  assert.equal(await daemon.end(), 0, daemon.output())
  assert.deepEqual(await programsOf(daemon.dir), [])
}

/**
 * Waits until a release has said this, and is committed, in whatever order: where Python starts slowly, a
 * trial can be over before the program's first word.
 */
export async function passes(daemon: Daemon, id: string, said: RegExp, ms?: number): Promise<void> {
  await Promise.all([
    daemon.says(new RegExp(`${id} out +${said.source}`), ms),
    daemon.says(new RegExp(`${id}: committed`), ms),
  ])
}
