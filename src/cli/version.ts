import { packageOf } from '../system/package.ts'
import { write } from './screen.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `version`: the version, and nothing else, so that scripts can read it. */
export const verb: Verb = {
  help: `Usage: ota-supervisor version

Prints the version.
`,
  options: { version: { type: 'boolean' } },
  takes: { least: 0, most: 0 },
  async run({ json }) {
    const { version } = packageOf()
    write(json ? `${JSON.stringify({ version })}\n` : `${version}\n`)
    return exitCodes.done
  },
}
