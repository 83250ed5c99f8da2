/** The daemon's environment for those whom it starts, less what systemd means for the daemon alone. */
export function inherited(): NodeJS.ProcessEnv {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, ...rest } = process.env
  return rest
}
