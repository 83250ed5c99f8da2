import { join } from 'node:path'
import { launch } from '../launch.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { endProcesses, family } from '../processes.ts'

/** A shell that starts the program again whenever it ends. */
const loop = 'while :; do "$0" main.py; done'

/** The barest loop there is. Nobody can restart a program faster: it does nothing else. */
export const floor: Peer = {
  name: 'floor',
  way: 'sh: while :; do python3 main.py; done; files are written into main/, then the program is sent SIGTERM',
  carriesOutput: false,
  async find() {
    return { is: 'there', version: 'sh' }
  },
  async start({ dir, main, python, env }) {
    const log = join(dir, 'output')
    const askedAt = now()
    const child = launch('/bin/sh', ['-c', loop, python], { cwd: main, env, log })
    const program = () => family([child.pid], new Set()).filter((pid) => pid !== child.pid)
    return {
      askedAt,
      roots: () => [child.pid],
      async swap(files, upload) {
        const uploadedAt = await upload(files, main)
        for (const pid of program()) process.kill(pid, 'SIGTERM')
        return uploadedAt
      },
      rest: async () => undefined,
      logs: async () => [log],
      async stop() {
        const running = program()
        await endProcesses([child.pid], 'SIGKILL')
        await endProcesses(running, 'SIGTERM')
      },
    }
  },
}
