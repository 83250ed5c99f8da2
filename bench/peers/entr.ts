import { outputOf, placeOf } from '../launch.ts'
import type { Peer } from '../peer.ts'
import { startWatcher } from '../watcher.ts'

/** Its input is the list of the files to watch: a new file needs a new start. */
const line = `find . -name '*.py' | exec "$0" -n -r "$1" main.py`

/** entr, as its manual shows it for a server that is to be reloaded. */
export const entr: Peer = {
  name: 'entr',
  way: "find . -name '*.py' | entr -n -r python3 main.py; files are written into main/, which it watches",
  carriesOutput: false,
  async find() {
    const command = await placeOf('entr')
    if (command === null) return { is: 'missing', how: 'sudo apt install entr' }
    // It tells its version with its usage, and fails.
    const usage = await outputOf(command, ['-x']).catch((error) => String(error.stderr))
    return { is: 'there', version: /release: (\S+)/.exec(usage)?.[1] ?? '?' }
  },
  async start(place) {
    const command = (await placeOf('entr')) ?? ''
    return startWatcher('/bin/sh', ['-c', line, command, place.python], place, 'SIGTERM')
  },
}
