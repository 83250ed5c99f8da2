import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { launch, versionOf } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'

const supervisorJs = fileURLToPath(new URL('../../../dist/supervisor.js', import.meta.url))

/** This project's daemon, the built one. Its trial is short, so that turns need not wait for it. */
export const otaSupervisor: Peer = {
  name: 'ota-supervisor',
  way: 'node dist/supervisor.js; files go into deposit/',
  carriesOutput: true,
  async find() {
    return { is: 'there', version: await versionOf(process.execPath, [supervisorJs, 'version']) }
  },
  async start({ dir, env }) {
    await writeFile(join(dir, 'supervisor.toml'), '[trial]\ntime = "200ms"\n')
    const askedAt = now()
    const child = launch(process.execPath, [supervisorJs], { cwd: dir, env, log: '/dev/null' })
    return {
      askedAt,
      roots: () => [child.pid],
      swap: (files, upload) => upload(files, join(dir, 'deposit')),
      async rest() {
        // A release has a folder there until all is done that it brings.
        while ((await readdir(join(dir, '.supervisor/releases'))).length > 0) await sleep(10)
      },
      async logs() {
        const names = await readdir(join(dir, 'logs')).catch(() => [])
        return names.map((name) => join(dir, 'logs', name))
      },
      stop: () => endProcesses([child.pid], 'SIGTERM'),
    }
  },
}
