import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launch, outputOf, placeOf, versionOf } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses } from '../processes.ts'

function configOf(dir: string, main: string, python: string): string {
  return `[supervisord]
nodaemon = true
logfile = ${dir}/supervisord.log
pidfile = ${dir}/supervisord.pid
[unix_http_server]
file = ${dir}/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://${dir}/socket
[program:main]
command = ${python} main.py
directory = ${main}
stdout_logfile = ${dir}/output
`
}

/** supervisord with its own defaults; it watches no files, so its users restart the program by hand. */
export const supervisord: Peer = {
  name: 'supervisord',
  way: 'supervisord; files are written into main/, then supervisorctl restart main',
  carriesOutput: true,
  async find() {
    const command = await placeOf('supervisord')
    if (command === null) return { is: 'missing', how: 'sudo apt install supervisor' }
    return { is: 'there', version: await versionOf(command, ['--version']) }
  },
  async start({ dir, main, python, env }) {
    const config = join(dir, 'supervisord.conf')
    await writeFile(config, configOf(dir, main, python))
    const command = (await placeOf('supervisord')) ?? ''
    const control = (await placeOf('supervisorctl')) ?? ''
    const log = join(dir, 'console')
    const askedAt = now()
    const child = launch(command, ['-c', config], { cwd: dir, env, log })
    return {
      askedAt,
      roots: () => [child.pid],
      async swap(files, upload) {
        const uploadedAt = await upload(files, main)
        await outputOf(control, ['-c', config, 'restart', 'main'], { env })
        return uploadedAt
      },
      rest: async () => undefined,
      async logs() {
        const names = (await readdir(dir)).filter((name) => /^output(\.\d+)?$/.test(name))
        return names.map((name) => join(dir, name))
      },
      stop: () => endProcesses([child.pid], 'SIGTERM'),
    }
  },
}
