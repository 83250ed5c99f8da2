import { join } from 'node:path'
import { launch } from './launch.ts'
import { now } from './now.ts'
import type { Place, Running } from './peer.ts'
import { endProcesses } from './processes.ts'

/** Starts a command that watches main, in main: new files are written there, and it notices by itself. */
export function startWatcher(
  file: string,
  args: readonly string[],
  { dir, main, env }: Place,
  endedBy: NodeJS.Signals,
): Running {
  const log = join(dir, 'output')
  const askedAt = now()
  const child = launch(file, args, { cwd: main, env, log })
  return {
    askedAt,
    roots: () => [child.pid],
    swap: (files, upload) => upload(files, main),
    rest: async () => undefined,
    logs: async () => [log],
    stop: () => endProcesses([child.pid], endedBy),
  }
}
