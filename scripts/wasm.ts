import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openWabt from 'wabt'

/**
 * Translates src/log/before-each.wat into a module that TypeScript can import. `npm run wasm` runs it; a test
 * tells when that was forgotten.
 */

/** The root of the repository: this file is run from .test-build/scripts. */
const root = new URL('../../', import.meta.url)

/** What is made, its path from the root. */
export const path = 'src/log/before-each-code.ts'

/** What belongs there. Throws, with the line, where the source is wrong. */
export async function made(): Promise<string> {
  const wabt = await openWabt()
  const source = 'src/log/before-each.wat'
  const module = wabt.parseWat(source, readFileSync(new URL(source, root), 'utf8'))
  const code = Buffer.from(module.toBinary({}).buffer).toString('base64')
  return `/** before-each.wat as WebAssembly, in Base64. \`npm run wasm\` writes it. */
export const code =
  '${code}'
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(path, root), await made())
}
