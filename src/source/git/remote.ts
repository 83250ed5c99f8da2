import { resolve } from 'node:path'
import type { Site } from '../../config.ts'
import { withHint } from '../../errors.ts'
import { shellLine, withoutPassword } from '../../phrases.ts'
import { gitWords, lastLines } from '../../words-git.ts'
import type { Answer, Git } from './call.ts'
import type { Checkout, Obstacle } from './checkout.ts'

/** What the remote has of what is followed, fetched. */
export type Tip = {
  readonly commit: string
  /** Where it came from, for people: `main of origin`. */
  readonly of: string
}

/** The settings that decide how a remote is reached. */
type Way = {
  readonly paths: Pick<Site['paths'], 'project'>
  readonly config: {
    readonly git: Pick<Site['config']['git'], 'deadlineMs' | 'fetchMs' | 'sshKey' | 'knownHosts'>
  }
}

/** Where a fetched commit, or tag, is kept: nobody else works with refs of this name. */
export const incoming = 'refs/ota/incoming'

/** Of the rows of tags, the highest first: a tag without any number is no version, unless all are so. */
function highestOf(rows: readonly string[][]): readonly string[] | undefined {
  return rows.find(([, ref = '']) => /\d/.test(ref)) ?? rows[0]
}

/**
 * Asks the remote for what is followed, and fetches it if it is not here. The checkout's own branches and
 * files are not touched. A failure is the remote's, or the way's to it.
 */
export async function fetchTip(
  checkout: Checkout,
  git: Git,
  site: Way,
): Promise<Tip | { readonly failed: Obstacle }> {
  const { remote, follows } = checkout
  const { deadlineMs, fetchMs } = site.config.git
  const ssh = await sshCommand(git, site)
  const pattern = `refs/${follows.is === 'tag' ? 'tags' : 'heads'}/${follows.name}`
  const refs = follows.is === 'tag' ? ['--refs', '--sort=-v:refname'] : []
  const listed = await git(['ls-remote', ...refs, '--', remote, pattern], { ms: deadlineMs, ssh })
  if (listed.code !== 0) return { failed: failureOf(listed, gitWords.late(deadlineMs)) }
  const rows = listed.out.split('\n').map((row) => row.split('\t'))
  const [sha, ref] =
    (follows.is === 'tag' ? highestOf(rows) : rows.find(([, name]) => name === pattern)) ?? []
  if (sha === undefined || ref === undefined || ref === '') {
    return { failed: { why: gitWords.notThere(follows, withoutPassword(remote)) } }
  }
  const of = gitWords.of(ref.replace(/^refs\/(heads|tags)\//, ''), withoutPassword(remote))
  if (sha === checkout.head) return { commit: sha, of }
  const asked = ['--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--quiet']
  const fetched = await git(['fetch', ...asked, '--', remote, `+${ref}:${incoming}`], {
    ms: fetchMs,
    ssh,
  })
  if (fetched.code !== 0) return { failed: failureOf(fetched, gitWords.fetchLate(fetchMs)) }
  // A tag may be an object of its own, and stands for a commit.
  const peeled = await git(['rev-parse', '--verify', '-q', `${incoming}^{commit}`])
  if (peeled.code !== 0) return { failed: { why: gitWords.noCommitAt(of) } }
  return { commit: peeled.out.trim(), of }
}

/**
 * How git makes connections over SSH: with the key of the settings and nothing of the user's own, or as the
 * user does, but asking nothing. A host that is not known is never trusted.
 */
async function sshCommand(git: Git, { config, paths }: Way): Promise<string> {
  const { sshKey, knownHosts } = config.git
  const given = await git(['config', '--get', 'core.sshCommand'])
  const usual = given.code === 0 ? given.out.trim() : 'ssh'
  const base =
    sshKey === ''
      ? usual
      : shellLine('ssh', '-F', '/dev/null', '-i', resolve(paths.project, sshKey))
  const hosts = resolve(paths.project, knownHosts)
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ConnectTimeout=15',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    ...(sshKey === '' ? [] : ['IdentitiesOnly=yes']),
    ...(knownHosts === '' ? [] : [`UserKnownHostsFile="${hosts}"`, 'GlobalKnownHostsFile=none']),
  ]
  return `${base} ${shellLine(...options.flatMap((one) => ['-o', one]))}`
}

function failureOf({ err, isLate }: Answer, late: string): Obstacle {
  if (isLate) return { why: late }
  const said = withoutPassword(err)
  const hint = hints.find(([pattern]) => pattern.test(said))?.[1]
  return { why: gitWords.remoteFailed(lastLines(said)), ...withHint(hint) }
}

/** What the words of git, ssh and curl mean, the more exact first. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/Host key verification failed|host key is known/i, gitWords.hostKeyHint],
  [/Permission denied \(|publickey/i, gitWords.keyHint],
  [/Authentication failed|could not read (Username|Password)|error: 40[13]/i, gitWords.loginHint],
  [/certificate is not yet valid/i, gitWords.clockHint],
  [/transport '.*' not allowed/i, gitWords.transportHint],
  [/does not appear to be a git repository|not found|does not exist/i, gitWords.addressHint],
]
