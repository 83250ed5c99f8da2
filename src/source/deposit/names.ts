import type { Config } from '../../config.ts'

/**
 * Tells which names are left alone in the deposit: they keep a folder in git, or an uploader is still
 * at work under them. Other dot files (`.env`) are deployed like any file.
 */
export function leftAlone(config: Config): (name: string) => boolean {
  const { keep, temporary } = config.deposit
  const patterns = [...keep, ...temporary].map(toRegExp)
  return (name) => patterns.some((pattern) => pattern.test(name))
}

/** `*` is any text, `XXXXXX` is what mkstemp(3) puts there; everything else stands for itself. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    // With no capital and no digit it is more likely a word, as in `.env.sample`.
    .replaceAll('XXXXXX', '(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}')
  return new RegExp(`^${source}$`, 's')
}
