import { readFileSync } from 'node:fs'
import type { Session } from '../model.ts'
import { allPids, processOf, readProc } from './processes.ts'

/** Servers with a process for each connection and a parent of the same name that only listens. */
const forking = new Set(['vsftpd', 'proftpd', 'pure-ftpd', 'rsync'])
const single = new Set(['sftp-server', 'scp'])

/**
 * The living upload sessions of all users. Which programs these are was measured with OpenSSH 9.2,
 * vsftpd 3.0, ProFTPD 1.3.8, Pure-FTPd 1.0 and rsync 3.2. Any user may read this, unless /proc is
 * mounted with hidepid.
 */
export function uploadSessions(): Session[] {
  const found = new Map(
    allPids().flatMap((pid) => {
      const one = processOf(pid)
      return one === null ? [] : [[pid, one] as const]
    }),
  )
  return [...found.values()].flatMap(({ pid, name, parent }) => {
    if (!isSession(pid, name, found.get(parent)?.name)) return []
    const uid = /^Uid:\s*\d+\s+(\d+)/m.exec(readProc(pid, 'status') ?? '')?.[1]
    return uid === undefined ? [] : [{ pid, name, uid: Number(uid) }]
  })
}

/** True when the sessions of other users can be seen: /proc is not mounted with hidepid. */
export function canSeeSessions(): boolean {
  return readProc(1, 'status') !== null
}

/** The far ends of the connections that are established to these local ports. */
export function connectionsTo(ports: readonly number[]): ReadonlySet<string> {
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')))
  const found = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readTable(table).split('\n').slice(1)) {
      // proc(5): number, local address, remote address, state; 01 is ESTABLISHED.
      const [, local = '', remote = '', state] = line.trim().split(/\s+/)
      if (state === '01' && wanted.has(local.slice(-4))) found.add(remote)
    }
  }
  return found
}

function isSession(pid: number, name: string, parent: string | undefined): boolean {
  if (single.has(name)) return true
  if (forking.has(name)) return parent === name
  // OpenSSH's built-in server shows itself in its title only.
  return /^sshd/.test(name) && /@internal-sftp/.test(readProc(pid, 'cmdline') ?? '')
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // No IPv6, or no network at all.
    return ''
  }
}
