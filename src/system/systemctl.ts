import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, command } from './command.ts'

/** The systemd that began with the machine, or the one that each user has for himself. */
export type Scope = 'system' | 'user'

/** True when systemd is in charge of this machine: sd_booted(3). */
export function isSystemdHere(): boolean {
  return existsSync('/run/systemd/system')
}

/** True when the systemd of this user runs from boot on, and not only while he is logged in. */
export function isLingering(user: string): boolean {
  return existsSync(join('/var/lib/systemd/linger', user))
}

/** Where the units lie that an administrator, or a user, has added: absolute. */
export function unitFolder(scope: Scope): string {
  if (scope === 'system') return '/etc/systemd/system'
  return join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'systemd/user')
}

/** A command line of systemctl, as a person would type it. */
export function systemctlLine(scope: Scope, ...args: readonly string[]): string {
  return ['systemctl', ...scopeArgs(scope), ...args].join(' ')
}

/** Runs systemctl to its end. Never throws. */
export function systemctl(
  scope: Scope,
  args: readonly string[],
  timeoutMs: number,
): Promise<CommandResult> {
  const quiet = ['--no-pager', '--no-ask-password']
  return command('systemctl', [...scopeArgs(scope), ...quiet, ...args], { timeoutMs })
}

/** The last lines that a service has logged. Never throws. */
export function lastLines(scope: Scope, unit: string, timeoutMs: number): Promise<CommandResult> {
  const args = ['--no-pager', '--quiet', '--output=cat', '--lines=15']
  return command('journalctl', [...args, ...scopeArgs(scope), '-u', unit], { timeoutMs })
}

/** A command line that shows what a service logs, as a person would type it. */
export function logLine(scope: Scope, unit: string): string {
  return ['journalctl', ...scopeArgs(scope), '-u', unit].join(' ')
}

function scopeArgs(scope: Scope): string[] {
  return scope === 'user' ? ['--user'] : []
}
