import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outputOf } from './launch.ts'
import type { Presence } from './peer.ts'

/**
 * The peers that come from the npm registry, in fixed versions. They are no dependencies of this
 * package: who installs it does not get them.
 */
const versions = { nodemon: '3.1.14', pm2: '7.0.4' } as const

const folder = fileURLToPath(new URL('../../.bench-peers/', import.meta.url))

/** A peer that comes from the npm registry. */
type Registered = keyof typeof versions

/** Where such a peer's command is, absolute; it need not be there. */
export function registryCommand(name: Registered): string {
  return join(folder, 'node_modules/.bin', name)
}

/** Whether such a peer is installed, and in which version. */
export async function registryPresence(name: Registered): Promise<Presence> {
  const version = await installedVersion(name)
  if (version !== null) return { is: 'there', version }
  return { is: 'missing', how: `npm install --prefix .bench-peers ${name}@${versions[name]}` }
}

/** Installs the peers from the npm registry that are not there yet. The answer is null or what failed. */
export async function installPeers(): Promise<string | null> {
  const missing = []
  for (const [name, version] of Object.entries(versions)) {
    if ((await installedVersion(name)) !== version) missing.push(`${name}@${version}`)
  }
  if (missing.length === 0) return null
  await mkdir(folder, { recursive: true })
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const all = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  try {
    await outputOf('npm', ['install', '--prefix', folder, ...quiet, ...all], { cwd: folder })
    return null
  } catch (error) {
    return `npm could not install ${missing.join(' and ')}: ${String(error).split('\n')[0]}`
  }
}

async function installedVersion(name: string): Promise<string | null> {
  const path = join(folder, 'node_modules', name, 'package.json')
  const text = await readFile(path, 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { version?: string }).version ?? null
}
