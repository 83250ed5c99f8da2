import { isAbsolute } from 'node:path'
import { allowedSchemes } from '../source/git/call.ts'
import { commandsIn } from './shell.ts'

/** The key with which a checkout connects, where `[git]` can say the same. */
export type SshKey = {
  /** Absolute. */
  readonly key: string
  /** The file with the keys of servers; null: the user's own. */
  readonly knownHosts: string | null
  /** Any server was trusted. It is not any more. */
  readonly wasLax: boolean
}

/** The server of an address that is reached over SSH (`git@host:path`, `ssh://host/path`); null: it is not. */
export function sshHost(address: string): string | null {
  const url = /^(?:git\+)?ssh:\/\/(?:[^@/]*@)?([^/:]+)/.exec(address)?.[1]
  // git-clone(1): a colon before the first slash; a single letter would be a drive elsewhere.
  return url ?? /^(?:[^@/:]+@)?([^/:]+):(?!\/\/)/.exec(address)?.[1] ?? null
}

/** True when git may go to an address: the ways that the daemon allows, or a path. */
export function isAllowedWay(address: string): boolean {
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(address)?.[1]
  return scheme === undefined ? !address.includes('::') : allowedSchemes.includes(scheme)
}

/**
 * The key that `core.sshCommand` names. Null where it says more than `[git] ssh_key` can, or the server is a name of
 * the user's own settings of SSH: then it stays in force as it is.
 */
export function sshKeyOf(sshCommand: string, host: string, home: string): SshKey | null {
  const [words, ...more] = commandsIn(sshCommand, home)
  const isPlain =
    words?.[0]?.text === 'ssh' && more.length === 0 && words.every((one) => one.isExact)
  // A name without a dot is one of the user's own settings, which do not count beside `ssh_key`.
  if (!isPlain || !/[.:]|^localhost$/.test(host)) return null
  const options = optionsOf(words.slice(1).map(({ text }) => text))
  const key = options.find(({ letter }) => letter === 'i')?.value ?? ''
  if (!isAbsolute(key) || !options.every(canBeSaid)) return null
  const settings = options
    .filter(({ letter }) => letter === 'o')
    .map(({ value }) => settingOf(value))
  const told = new Map(settings)
  const hosts = told.get('userknownhostsfile') ?? ''
  return {
    key,
    knownHosts: isAbsolute(hosts) && hosts !== '/dev/null' ? hosts : null,
    wasLax: /^(no|off|accept-new)$/.test(told.get('stricthostkeychecking') ?? ''),
  }
}

type Option = { readonly letter: string; readonly value: string }

/** Options with their values, whether a blank is between them or not: all that are known here have one. */
function optionsOf([first, ...rest]: readonly string[]): Option[] {
  if (first === undefined) return []
  const [, letter = '', glued = ''] = /^-(.)(.*)$/.exec(first) ?? []
  const [value = '', ...others] = glued === '' ? rest : [glued, ...rest]
  return [{ letter, value }, ...optionsOf(others)]
}

/** True for an option that is the daemon's own way, or can be said in `[git]`. */
function canBeSaid({ letter, value }: Option): boolean {
  if (letter === 'F') return value === '/dev/null'
  return letter === 'i' || (letter === 'o' && harmless.has(settingOf(value)[0]))
}

/** `Name=Value`, as ssh_config(5) has it. */
function settingOf(text: string): [string, string] {
  const [name = '', ...value] = text.split('=')
  return [name.trim().toLowerCase(), value.join('=').trim()]
}

/** The daemon sets these itself, or they can be said in `[git]`. */
const harmless: ReadonlySet<string> = new Set([
  'batchmode',
  'connecttimeout',
  'identitiesonly',
  'serveralivecountmax',
  'serveraliveinterval',
  'stricthostkeychecking',
  'userknownhostsfile',
])
