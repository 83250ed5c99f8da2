import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { outputOf } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'
import { registryCommand, registryPresence } from '../registry.ts'

/** pm2 with its own defaults, and its own watch of the program's folder. */
export const pm2: Peer = {
  name: 'pm2',
  way: 'pm2 start main.py --interpreter python3 --watch; files are written into main/, which it watches',
  carriesOutput: true,
  find: () => registryPresence('pm2'),
  async start({ dir, main, python, env }) {
    const home = join(dir, 'pm2')
    const own = { ...env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' }
    const app = { name: 'main', script: 'main.py', cwd: main, interpreter: python, watch: true }
    const logs = { out_file: join(dir, 'output'), error_file: join(dir, 'errors') }
    const config = join(dir, 'main.config.json')
    await writeFile(config, JSON.stringify({ apps: [{ ...app, ...logs }] }))
    const command = registryCommand('pm2')
    const ask = (...args: string[]) => outputOf(process.execPath, [command, ...args], { env: own })
    const askedAt = now()
    await ask('start', config)
    const daemon = Number(await readFile(join(home, 'pm2.pid'), 'utf8'))
    return {
      askedAt,
      roots: () => [daemon],
      swap: (files, upload) => upload(files, main),
      rest: async () => undefined,
      logs: async () => [logs.out_file],
      async stop() {
        await ask('kill').catch(() => undefined)
        await endProcesses([daemon], 'SIGTERM')
      },
    }
  },
}
