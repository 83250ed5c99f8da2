import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the package itself, absolute, links followed. */
export const packageFolder = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

type Card = {
  readonly version: string
  readonly engines: { readonly node: string }
  /** What is packed of it beside package.json. */
  readonly files: readonly string[]
}

/** The package's own name card. */
export function packageOf(): Card {
  const path = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as Card
}

/** Nobody ran this before; a clock that says so is wrong. */
export const firstYear = 2025

/** When this program was built or installed, as its files tell: a clock that is right cannot be before. In ms since 1970. */
export function builtAt(): number {
  const { mtimeMs } = statSync(fileURLToPath(import.meta.url))
  // Archives that are packed to be the same each time give their files a time long ago.
  return Math.max(mtimeMs, Date.UTC(firstYear))
}
