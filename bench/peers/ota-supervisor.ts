import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { launch, versionOf } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'

/** This clone's daemon, the built one. */
export const otaSupervisor = daemonIn(
  fileURLToPath(new URL('../../../', import.meta.url)),
  'ota-supervisor',
)

/** The built daemon of a clone of this repository. */
export function daemonIn(clone: string, name: string): Peer {
  const supervisorJs = join(clone, 'dist/supervisor.js')
  return {
    name,
    way: 'node dist/supervisor.js; files go into deposit/',
    carriesOutput: true,
    async find() {
      const version = await versionOf(process.execPath, [supervisorJs, 'version'])
      return version === '?'
        ? { is: 'missing', how: `npm run build in ${clone}` }
        : { is: 'there', version }
    },
    async start({ dir, env, isHurried }) {
      // With its own 10 s the trials would pile up, and fall together.
      if (isHurried) await writeFile(join(dir, 'supervisor.toml'), '[trial]\ntime = "100ms"\n')
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
}
