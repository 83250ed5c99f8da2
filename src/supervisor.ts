#!/usr/bin/env node
import { exitCodes, parseCommandLine, usage } from './cli/command-line.ts'
import { hintOf, isExpected, messageOf } from './errors.ts'
import { words } from './words.ts'

/** Arguments in, exit code out. */
async function main(args: readonly string[]): Promise<number> {
  const asked = parseCommandLine(args)
  if (typeof asked === 'string') {
    console.error(words.failure(asked, 'see: ota-supervisor --help'))
    return exitCodes.usage
  }
  switch (asked.verb) {
    case 'help':
      process.stdout.write(usage)
      return exitCodes.done
    case 'version':
      // Loaded on demand: a verb loads what it needs and no more.
      return (await import('./cli/version.ts')).version()
    case 'run':
      return (await import('./cli/run.ts')).run(asked)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!isExpected(error)) throw error
  console.error(words.failure(messageOf(error), hintOf(error)))
  process.exitCode = exitCodes.failed
}
