import type { Config } from '../../config.ts'
import { starred } from '../../system/patterns.ts'
import { isResultName } from './result.ts'

/** What a name in the deposit is. */
export type NameKind =
  /** To be deployed, like any dot file such as `.env`. */
  | 'content'
  /** The settings say to leave it alone, whatever else its name says. */
  | 'ignored'
  /** Keeps an empty folder in git; never claimed. */
  | 'keep'
  /** Left behind by an editor, a syncer or Python: removed. */
  | 'junk'
  /** Our own answer to the uploader. */
  | 'own'
  /** In the root: lists what is to be there. */
  | 'manifest'
  /** An uploader or editor is at work under it; never claimed. */
  | 'temporary'
  /** In the root: claim nothing. */
  | 'hold'
  /** In the root: all is there. */
  | 'go'

/** Tells what the paths of the deposit are, by their names alone. */
export function nameKinds(config: Config): (path: string) => NameKind {
  const { ignore, keep, temporary, drop, holdMarkers, goMarkers, manifest, resultFile } =
    config.deposit
  const ignored = ignore.map(toRegExp)
  const byPattern = [
    ['junk', drop.map(toRegExp)],
    ['temporary', temporary.map(toRegExp)],
    ['keep', keep.map(toRegExp)],
  ] as const
  const isAny = (names: readonly string[], patterns: readonly RegExp[]) =>
    names.some((name) => patterns.some((pattern) => pattern.test(name)))
  return (path) => {
    const names = path.split('/')
    if (isAny(names, ignored)) return 'ignored'
    if (holdMarkers.includes(path)) return 'hold'
    if (goMarkers.includes(path)) return 'go'
    if (path === manifest) return 'manifest'
    if (isResultName(path, resultFile)) return 'own'
    return byPattern.find(([, patterns]) => isAny(names, patterns))?.[0] ?? 'content'
  }
}

/** `*` is any text, `XXXXXX` is what mkstemp(3) puts there; everything else stands for itself. */
function toRegExp(pattern: string): RegExp {
  const source = starred(pattern)
    // With no capital and no digit it is more likely a word, as in `.env.sample`.
    .replaceAll('XXXXXX', '(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}')
  return new RegExp(`^${source}$`, 's')
}
