import { readFileSync } from 'node:fs'

/** The package's own name card. */
export function packageOf(): { readonly version: string } {
  const path = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as { version: string }
}
