import { placeOf, versionOf } from '../launch.ts'
import type { Peer } from '../peer.ts'
import { startWatcher } from '../watcher.ts'

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
  async start(place) {
    const command = (await placeOf('watchmedo')) ?? ''
    const watching = ['--directory', '.', '--recursive', '--patterns', '*.py']
    const args = ['auto-restart', ...watching, '--', place.python, 'main.py']
    return startWatcher(command, args, place, 'SIGINT')
  },
}
