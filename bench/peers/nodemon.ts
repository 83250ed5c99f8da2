import { join } from 'node:path'
import { launch } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'
import { registryCommand, registryPresence } from '../registry.ts'

/** nodemon, as its README tells to run another language: all defaults but for the command. */
export const nodemon: Peer = {
  name: 'nodemon',
  way: 'nodemon --ext py --exec python3 main.py; files are written into main/, which it watches',
  carriesOutput: false,
  find: () => registryPresence('nodemon'),
  async start({ dir, main, python, env }) {
    const log = join(dir, 'output')
    const args = [registryCommand('nodemon'), '--ext', 'py', '--exec', python, 'main.py']
    const askedAt = now()
    const child = launch(process.execPath, args, { cwd: main, env, log })
    return {
      askedAt,
      roots: () => [child.pid],
      swap: (files, upload) => upload(files, main),
      rest: async () => undefined,
      logs: async () => [log],
      stop: () => endProcesses([child.pid], 'SIGTERM'),
    }
  },
}
