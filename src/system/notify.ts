import { command } from './command.ts'

/** Whoever started this process and wants to hear how it goes: systemd, or what speaks like it. */
export type ServiceManager = {
  /** It must hear from us this often, in ms; null: it does not watch. */
  readonly watchdogMs: number | null
  /**
   * Tells it some `NAME=value` (sd_notify(3)), each without a line break. Never throws; the answer
   * is what went wrong, or null. One at a time: of two, the older could arrive last.
   */
  readonly tell: (fields: readonly string[], timeoutMs: number) => Promise<string | null>
}

/**
 * Finds in the environment whom to tell, or null. What it finds it takes out: it is meant for this
 * process alone, and everything started from here on would inherit it.
 */
export function takeServiceManager(env: NodeJS.ProcessEnv, ownPid: number): ServiceManager | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return null
  // sd_watchdog_enabled(3): without a number the watch is for whoever reads this.
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(ownPid)
  const watchdogMs = Number(WATCHDOG_USEC) / 1_000
  return {
    watchdogMs: isForUs && watchdogMs > 0 ? watchdogMs : null,
    async tell(fields, timeoutMs) {
      // Node has no datagram sockets of the unix kind; this command comes with systemd itself.
      const done = await command('systemd-notify', fields, { env: { NOTIFY_SOCKET }, timeoutMs })
      return done.exitCode === 0 ? null : done.output
    },
  }
}
