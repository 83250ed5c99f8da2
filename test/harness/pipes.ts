import assert from 'node:assert/strict'
import { command } from '../../src/system/command.ts'
import { openPipes, type Pipe, type Pipes, widen } from '../../src/system/pipes.ts'

/** Takes one, which must be there. */
export async function takeOne(pipes: Pipes): Promise<Pipe> {
  const [pipe] = (await pipes.take()) ?? []
  assert.ok(pipe !== undefined, 'this system has FIFOs')
  return pipe
}

/** A new pipe. */
export async function openPipe(): Promise<Pipe> {
  return takeOne(await openPipes(1))
}

/** Has a pipe hold 1 MiB. */
export async function widenPipe(pipe: Pipe): Promise<void> {
  await widen(pipe, (args, stdin) => command('python3', args, { stdin }))
}
