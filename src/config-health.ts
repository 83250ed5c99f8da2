import type { Config } from './config.ts'

/** How the program is asked whether it is well. */
export type HealthCheck =
  | { readonly by: 'command'; readonly argv: readonly string[] }
  | { readonly by: 'http'; readonly url: URL }
  | { readonly by: 'tcp'; readonly host: string; readonly port: number }

/** The health check that the settings name; null: none. They must be without a mistake. */
export function healthCheckOf({ command, http, tcp }: Config['health']): HealthCheck | null {
  if (command.length > 0) return { by: 'command', argv: command }
  if (http !== '') return { by: 'http', url: new URL(http) }
  const target = targetOf(tcp)
  return target === null ? null : { by: 'tcp', ...target }
}

/** What is wrong with the settings of the health check, with the setting's name; null: nothing. */
export function healthMistake(health: Config['health']): string | null {
  const given = (['command', 'http', 'tcp'] as const).filter((key) => health[key].length > 0)
  if (given.length > 1) return `health: only one of ${given.join(', ')} may be set`
  if (health.http !== '' && !isHttp(health.http)) {
    return 'health.http: expected an address such as "http://127.0.0.1:8080/health"'
  }
  if (health.tcp !== '' && targetOf(health.tcp) === null) {
    return 'health.tcp: expected a port: "8080", "127.0.0.1:8080" or "[::1]:8080"'
  }
  // Without a pause it would be asked all the time; without a time to answer it would never be well.
  const times = { interval: health.intervalMs, timeout: health.timeoutMs }
  const zero = Object.entries({ ...times, start_interval: health.startIntervalMs }).find(
    ([, ms]) => ms === 0,
  )
  return zero === undefined ? null : `health.${zero[0]}: expected more than 0`
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** `8080` is a port of this machine, by whichever of its addresses the program listens on. */
function targetOf(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, name, digits] =
    /^(?:\[([\da-fA-F:.]+)\]:|([^\s:[\]/]+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const isPort = port >= 1 && port <= 65_535
  return isPort ? { host: bracketed ?? name ?? 'localhost', port } : null
}
