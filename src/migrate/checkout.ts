import { dirname, join } from 'node:path'
import { type Config, configFileName, defaults, pathsOf, type Site } from '../config.ts'
import { isExpected, messageOf } from '../errors.ts'
import { withoutPassword } from '../phrases.ts'
import { type As, type Git, openCalls } from '../source/git/call.ts'
import { type Checkout, type Obstacle, readCheckout } from '../source/git/checkout.ts'
import { judge } from '../source/git/judgement.ts'
import { disk } from '../system/disk.ts'
import { gitWords } from '../words-git.ts'
import { migrateWords } from '../words-migrate.ts'
import { isAllowedWay, type SshKey, sshHost, sshKeyOf } from './remote.ts'

/** What a connector's folder is a checkout of. */
export type CheckoutFacts = {
  /** The commit that it is at; null: that cannot be told. */
  readonly commit: string | null
  /** The branch of the remote that it follows; null: none. */
  readonly branch: string | null
  /** The name of the remote. */
  readonly remote: string
  /** Its address, without a password; null: there is no such remote. */
  readonly address: string | null
  readonly ssh: SshKey | null
}

/** The facts, and what there is to put right. */
export type ReadCheckout = {
  readonly checkout: CheckoutFacts
  readonly troubles: readonly Obstacle[]
}

/** Reads what a folder (absolute) is a checkout of, touching nothing, neither it nor the network. */
export async function readConnectorCheckout(
  folder: string,
  become: (owner: number) => Promise<As>,
  home: string,
): Promise<ReadCheckout> {
  const none = { commit: null, branch: null, remote: 'origin', address: null, ssh: null }
  try {
    const as = await become(disk.ownerOf(join(folder, '.git')) ?? 0)
    const above = dirname(disk.realPath(folder))
    const git = openCalls(folder, above, as, new AbortController().signal)
    const site = siteOf(folder)
    const found = await readCheckout(git, site)
    if ('why' in found) {
      return { checkout: none, troubles: [found, ...(await contentTroubles(folder, git))] }
    }
    return await readFollowed(found, git, site, home)
  } catch (error) {
    if (!isExpected(error)) throw error
    return { checkout: none, troubles: [{ why: messageOf(error) }] }
  }
}

/** The folder itself is what the program runs from. */
function siteOf(folder: string): Site {
  const config: Config = { ...defaults, git: { ...defaults.git, remote: 'origin' } }
  return { paths: pathsOf(folder, { main: '.', deposit: '' }), config, disk }
}

async function readFollowed(
  checkout: Checkout,
  git: Git,
  site: Site,
  home: string,
): Promise<ReadCheckout> {
  const branch = checkout.follows.name
  const ask = async (...args: readonly string[]) => (await git(args)).out.trim()
  const own = await ask('symbolic-ref', '-q', 'HEAD')
  const upstream = await ask('for-each-ref', '--format=%(upstream:remotename)', own)
  const remote = upstream || 'origin'
  const address = (await ask('remote', 'get-url', remote)) || null
  const ssh = sshOf(address, await ask('config', '--get', 'core.sshCommand'), home)
  const tip = await ask('rev-parse', '--verify', '-q', `refs/remotes/${remote}/${branch}^{commit}`)
  const troubles = [
    ...remoteTroubles(site.paths.main, remote, address, ssh),
    ...(upstream === '' ? [{ why: migrateWords.noUpstream(branch, remote) }] : []),
    ...(tip === '' ? [] : await judgeFetched(tip, { ...checkout, remote }, git, site)),
    ...(await contentTroubles(site.paths.main, git)),
  ]
  const shown = address === null ? null : withoutPassword(address)
  return {
    checkout: { commit: checkout.head, branch, remote, address: shown, ssh },
    troubles,
  }
}

function sshOf(address: string | null, sshCommand: string, home: string): SshKey | null {
  const host = address === null ? null : sshHost(address)
  return host === null || sshCommand === '' ? null : sshKeyOf(sshCommand, host, home)
}

function remoteTroubles(
  folder: string,
  remote: string,
  address: string | null,
  ssh: SshKey | null,
): Obstacle[] {
  if (address === null) {
    return [{ why: migrateWords.noRemote(remote), hint: migrateWords.noRemoteHint(folder, remote) }]
  }
  if (!isAllowedWay(address)) {
    return [{ why: migrateWords.badWay(withoutPassword(address)), hint: gitWords.transportHint }]
  }
  const host = sshHost(address) ?? ''
  return ssh?.wasLax
    ? [{ why: migrateWords.wasLax(host), hint: migrateWords.wasLaxHint(host) }]
    : []
}

/** The commit that the old tool fetched last and did not take: would it come now? */
async function judgeFetched(
  commit: string,
  checkout: Checkout,
  git: Git,
  site: Site,
): Promise<Obstacle[]> {
  if (commit === checkout.head) return []
  const of = gitWords.of(checkout.follows.name, checkout.remote)
  const found = await judge({ commit, of }, checkout, git, site)
  return 'why' in found ? [{ ...found, why: migrateWords.fetchedWaits(found.why) }] : []
}

/** What lies in the folder that keeps some commit from coming, sooner or later. */
async function contentTroubles(folder: string, git: Git): Promise<Obstacle[]> {
  const list = async (...args: readonly string[]) => {
    return (await git(args)).out.split('\0').filter((one) => one !== '')
  }
  const edited = await list(
    ...['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff'],
    ...['--ignore-submodules=all', 'HEAD'],
  )
  const unknown = await list('ls-files', '-z', '--others', '--exclude-standard', '--directory')
  const modules = (await list('ls-files', '-z', '-s')).filter((row) => row.startsWith('160000 '))
  const lfs = await list(
    ...['grep', '-l', '-z', '--cached', '-F', 'filter=lfs'],
    ...['--', '.gitattributes', '*/.gitattributes'],
  )
  const own = await list('ls-files', '-z', '--', configFileName)
  return [
    ...(edited.length > 0
      ? [{ why: migrateWords.edited(edited), hint: migrateWords.editedHint(folder) }]
      : []),
    ...(unknown.length > 0
      ? [{ why: migrateWords.unknown(unknown), hint: migrateWords.unknownHint }]
      : []),
    ...modules.map((row) => ({ why: migrateWords.isModule(row.replace(/^[^\t]*\t/, '')) })),
    ...(lfs.length > 0 ? [{ why: migrateWords.hasLfs }] : []),
    ...(own.length > 0 ? [{ why: migrateWords.ownSettings }] : []),
  ]
}
