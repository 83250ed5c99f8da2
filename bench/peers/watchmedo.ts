import { join } from 'node:path'
import { launch, placeOf, versionOf } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'

/** watchmedo of Python's watchdog, with its own defaults for signal, wait and debouncing. */
export const watchmedo: Peer = {
  name: 'watchmedo',
  way: "watchmedo auto-restart --recursive --patterns '*.py' -- python3 main.py; files are written into main/, which it watches",
  carriesOutput: false,
  async find() {
    const command = await placeOf('watchmedo')
    if (command === null) return { is: 'missing', how: 'sudo apt install python3-watchdog' }
    return { is: 'there', version: await versionOf(command, ['--version']) }
  },
  async start({ dir, main, python, env }) {
    const log = join(dir, 'output')
    const command = (await placeOf('watchmedo')) ?? ''
    const watching = ['--directory', '.', '--recursive', '--patterns', '*.py']
    const args = ['auto-restart', ...watching, '--', python, 'main.py']
    const askedAt = now()
    const child = launch(command, args, { cwd: main, env, log })
    return {
      askedAt,
      roots: () => [child.pid],
      swap: (files, upload) => upload(files, main),
      rest: async () => undefined,
      logs: async () => [log],
      stop: () => endProcesses([child.pid], 'SIGINT'),
    }
  },
}
