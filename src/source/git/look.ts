import type { Site } from '../../config.ts'
import type { ReleaseId } from '../../model.ts'
import { gitWords } from '../../words-git.ts'
import type { Git } from './call.ts'
import { type Obstacle, readCheckout } from './checkout.ts'
import { type Incoming, judge } from './judgement.ts'
import { fetchTip } from './remote.ts'

/**
 * What a look at the remote came to. `waits`: something here, or the commit itself, keeps it from coming.
 * `failed`: the remote could not be asked; then it is asked again after a growing time.
 */
export type Look =
  | { readonly is: 'current'; readonly commit: string; readonly of: string }
  | { readonly is: 'found'; readonly incoming: Incoming }
  | ({ readonly is: 'waits' | 'failed' } & Obstacle)

/** Fetches what the checkout follows, and looks whether it may come. Main is not touched. */
export async function lookAtRemote(
  git: Git,
  failedAs: (commit: string) => Promise<ReleaseId | null>,
  site: Site,
): Promise<Look> {
  const checkout = await readCheckout(git, site)
  if ('why' in checkout) return { is: 'waits', ...checkout }
  const tip = await fetchTip(checkout, git, site)
  if ('failed' in tip) return { is: 'failed', ...tip.failed }
  const { commit, of } = tip
  if (commit === checkout.head) return { is: 'current', commit, of }
  const failed = await failedAs(commit)
  if (failed !== null) return { is: 'waits', why: gitWords.hasFailed(commit, failed) }
  const judged = await judge(tip, checkout, git, site)
  return 'why' in judged ? { is: 'waits', ...judged } : { is: 'found', incoming: judged }
}

/** A look, for people. */
export function lookText(look: Look): string {
  switch (look.is) {
    case 'current':
      return gitWords.current(look.commit, look.of)
    case 'found':
      return gitWords.found(look.incoming.move.new, look.incoming.move.of)
    case 'waits':
    case 'failed':
      return gitWords.waits(look.why, look.hint)
  }
}
