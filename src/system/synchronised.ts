import { command } from './command.ts'
import { disk } from './disk.ts'

/** Is the clock kept right over the network? `off`: it could be; `no service`: there is none that could be turned on. */
export type Sync = 'yes' | 'no' | 'off' | 'no service'

/** Asks the system; null: nothing tells. Never fails. */
export async function readSync(): Promise<Sync | null> {
  // systemd-timesyncd makes it at its first success: no need to wait for timedatectl.
  if (disk.kind('/run/systemd/timesync/synchronized') !== null) return 'yes'
  const shown = await command('timedatectl', ['show'], { timeoutMs })
  if (shown.exitCode === 0) return parseTimedatectl(shown.stdout)
  const asked = await command('python3', ['-I', '-S', '-c', question], { cwd: '/', timeoutMs })
  if (asked.exitCode !== 0) return null
  return asked.stdout === timeError ? 'no service' : 'yes'
}

/** Each of them answers at once, or hangs. */
const timeoutMs = 10_000

/** What adjtimex(2) answers when the kernel's clock is not synchronised; Node cannot call it. */
const timeError = '5'

// All zero, it changes nothing. The structure has some 200 bytes.
const question = `
import ctypes
print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)))
`

/** Reads `timedatectl show`. `no service`: there is none that could be turned on. */
export function parseTimedatectl(shown: string): Sync {
  const says = (line: string) => shown.split('\n').includes(line)
  if (says('NTPSynchronized=yes')) return 'yes'
  if (says('NTP=yes')) return 'no'
  return says('CanNTP=yes') ? 'off' : 'no service'
}
