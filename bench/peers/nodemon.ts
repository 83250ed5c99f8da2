import type { Peer } from '../peer.ts'
import { registryCommand, registryPresence } from '../registry.ts'
import { startWatcher } from '../watcher.ts'

/** nodemon, as its README tells to run another language: all defaults but for the command. */
export const nodemon: Peer = {
  name: 'nodemon',
  way: 'nodemon --ext py --exec python3 main.py; files are written into main/, which it watches',
  carriesOutput: false,
  find: () => registryPresence('nodemon'),
  async start(place) {
    const args = [registryCommand('nodemon'), '--ext', 'py', '--exec', place.python, 'main.py']
    return startWatcher(process.execPath, args, place, 'SIGTERM')
  },
}
