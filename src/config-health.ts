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

/** The ways to ask that are set: one at most is right. */
export function waysToAsk(health: Config['health']): ('command' | 'http' | 'tcp')[] {
  return (['command', 'http', 'tcp'] as const).filter((key) => health[key].length > 0)
}

/** True for an address that can be asked by HTTP. */
export function isHttp(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/**
 * Host and port of a text such as `host:8080`, `[::1]:8080` or `8080`: a port of this machine, by
 * whichever of its addresses the program listens on. Null: it is none of them.
 */
export function targetOf(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, name, digits] =
    /^(?:\[([\da-fA-F:.]+)\]:|([^\s:[\]/]+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const isPort = port >= 1 && port <= 65_535
  return isPort ? { host: bracketed ?? name ?? 'localhost', port } : null
}
