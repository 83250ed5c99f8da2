import { readFileSync } from 'node:fs'

type Card = { readonly version: string; readonly engines: { readonly node: string } }

/** The package's own name card. */
export function packageOf(): Card {
  const path = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as Card
}
