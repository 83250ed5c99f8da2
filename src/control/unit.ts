import type { Config } from '../config.ts'
import { OperationalError } from '../errors.ts'
import type { Scope } from '../system/systemctl.ts'
import { serviceWords } from '../words-service.ts'

/** A user of this machine. */
export type RunAs = { readonly uid: number; readonly name: string }

/** What a unit is written from. Paths are absolute. */
export type UnitFacts = {
  readonly scope: Scope
  /** The service's name, without `.service`: in the journal its lines have it. */
  readonly name: string
  /** The project directory. */
  readonly project: string
  /** This Node, and the daemon's entry. */
  readonly node: string
  readonly script: string
  /** What is started instead, with Node as its first argument, where versions can be exchanged; null: nothing. */
  readonly launch: string | null
  /** As whom it runs. */
  readonly user: RunAs
  /** All places that it reads, and where it writes, links followed: they must not be closed to it. */
  readonly reads: readonly string[]
  readonly writes: readonly string[]
}

/**
 * The text of the unit. Throws an OperationalError for a path that no unit can hold.
 *
 * What is not in it, because programs here work with hardware: PrivateDevices, DevicePolicy and
 * ProtectClock (which brings a list of allowed devices) close /dev/gpiochip0, /dev/i2c-1, /dev/ttyUSB0.
 * ProtectKernelTunables makes /sys read-only, and with it GPIO and PWM by files. RestrictRealtime is
 * against what drives servos, RestrictAddressFamilies against CAN and Bluetooth, SystemCallFilter
 * and MemoryDenyWriteExecute against what nobody can foresee (and Node itself). ProtectProc hides the
 * upload connections that the daemon looks at. PrivateTmp hides the sockets of X11 and others.
 */
export function unitText(facts: UnitFacts, config: Config): string {
  const { scope, name, project, node, script, launch } = facts
  for (const path of [project, node, script, launch ?? '']) refuseOddPath(path)
  if (/["'\\]/.test(node)) throw notInUnit(node)
  const started =
    launch === null ? [word(node), argument(script)] : ['/bin/sh', argument(launch), argument(node)]
  const command = [...started, '-C', argument(project)].join(' ')
  return [
    '# Written by `ota-supervisor service install`, which may write it again.',
    '# Changes of yours belong into a file beside it: systemctl edit',
    `${markerOf(project)}`,
    '',
    '[Unit]',
    // Not at the end of the line: a backslash there would take in the next one.
    `Description=ota-supervisor in ${project.replaceAll('%', '%%')}: keeps main.py running`,
    ...unitLines(scope, project),
    '',
    '[Service]',
    ...serviceLines(command, config),
    `SyslogIdentifier=${name}`,
    ...userLines(facts),
    '',
    '[Install]',
    `WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n')
}

/** The project directory that a unit of ours is for; null when another has written it. */
export function projectOf(unit: string): string | null {
  const named = /^# ota-supervisor for (".*")$/m.exec(unit)?.[1]
  return named === undefined ? null : (JSON.parse(named) as string)
}

function markerOf(project: string): string {
  return `# ota-supervisor for ${JSON.stringify(project)}`
}

/** How long the daemon's end may take: every step that has a limit, and a margin. In ms. */
export function stopLimit({ program, hooks, deposit, log, systemd }: Config): number {
  const ladder = program.stopMs + program.termMs + program.drainMs
  return ladder + hooks.endMs + deposit.askMs + log.closeMs + systemd.stopMarginMs
}

function unitLines(scope: Scope, project: string): string[] {
  // Never give up: nobody may be there to say `systemctl reset-failed`.
  const forEver = 'StartLimitIntervalSec=0'
  if (scope === 'user') return [forEver]
  return [
    // A project on a disk of its own waits for it.
    `RequiresMountsFor=${word(project)}`,
    // The end comes in the reverse order: main.py can still say goodbye over the network. And a clock
    // that is set before the first line of the log is nice to have.
    'After=network.target time-sync.target',
    forEver,
  ]
}

function serviceLines(command: string, config: Config): string[] {
  const { watchdogMs, restartMs } = config.systemd
  return [
    // READY=1 comes when the first start of the program was attempted.
    'Type=notify',
    // The messages come from systemd-notify, a process of its own: `main` would take them from root only.
    'NotifyAccess=all',
    `ExecStart=${command}`,
    // Reads supervisor.toml again.
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=always',
    `RestartSec=${span(restartMs)}`,
    `WatchdogSec=${span(watchdogMs)}`,
    // SIGABRT would have a core dump of Node written to the card.
    'WatchdogSignal=SIGKILL',
    // SIGTERM to the daemon alone: it ends main.py in order. Whatever is left then gets SIGKILL.
    'KillMode=mixed',
    `TimeoutStopSec=${span(stopLimit(config))}`,
    // If memory runs out and the kernel ends main.py, the daemon stays and restarts it.
    'OOMPolicy=continue',
    // The program may put its own workers into control groups, for limits or as containers.
    'Delegate=yes',
    // Uploads may hold passwords.
    'UMask=0027',
    // No upload becomes root, by sudo or otherwise.
    'NoNewPrivileges=yes',
    // No upload leaves a program behind that gives its rights to others.
    'RestrictSUIDSGID=yes',
  ]
}

/** What only a unit of the system can say: a user's own systemd cannot close folders to a service. */
function userLines({ scope, user, reads, writes }: UnitFacts): string[] {
  if (scope === 'user') return []
  const named = `User=${user.name}`
  // Who runs it as root wants it to change the system.
  if (user.uid === 0) return [named]
  return [
    named,
    // /usr, /boot and /etc are read-only, whatever their rights say.
    ...(areOutside(writes, ['/usr', '/boot', '/efi', '/etc']) ? ['ProtectSystem=full'] : []),
    // What other users have at home is nobody's business here.
    ...(areOutside([...reads, ...writes], ['/home', '/root', '/run/user'])
      ? ['ProtectHome=yes']
      : []),
  ]
}

function areOutside(places: readonly string[], folders: readonly string[]): boolean {
  return places.every((place) => folders.every((dir) => !`${place}/`.startsWith(`${dir}/`)))
}

/** A path as systemd.syntax(7) wants it where it unquotes, with `%` not meaning a specifier. */
function word(path: string): string {
  const text = path.replaceAll('%', '%%')
  return /^[\w/.@:+,=%-]+$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/** The same for an argument of ExecStart, where `$` would mean a variable; not for its first word. */
function argument(path: string): string {
  return word(path).replaceAll('$', () => '$$')
}

function span(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`
}

function refuseOddPath(path: string): void {
  if (/\p{Cc}/u.test(path)) throw notInUnit(path)
}

function notInUnit(path: string): OperationalError {
  const about = { code: 'EINVAL', path, hint: serviceWords.notInUnitHint }
  return new OperationalError(serviceWords.notInUnit(path), about)
}
