#!/usr/bin/env node
import { parseCommandLine } from './cli/command-line.ts'
import { write } from './cli/screen.ts'
import { exitCodeOf, exitCodes } from './cli/verb.ts'
import { codeOf, hintOf, isExpected, messageOf } from './errors.ts'
import { traceOf } from './system/trace.ts'
import { words } from './words.ts'

/** Arguments in, exit code out. */
async function main(args: readonly string[]): Promise<number> {
  const line = await parseCommandLine(args)
  switch (line.is) {
    case 'wrong':
      console.error(words.failure(line.why, 'see: ota-supervisor --help'))
      return exitCodes.usage
    case 'help':
      write(line.text)
      return exitCodes.done
    case 'verb':
      return line.verb.run(line.asked)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!isExpected(error)) {
    if (error instanceof Error) error.stack = traceOf(error)
    throw error
  }
  // A project is closed to others, as it should be: who asks is often the wrong user.
  const hint = codeOf(error) === 'EACCES' ? words.closedHint : undefined
  console.error(words.failure(messageOf(error), hintOf(error) ?? hint))
  process.exitCode = exitCodeOf(error)
}
