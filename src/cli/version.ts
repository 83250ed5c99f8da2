import { packageOf } from '../system/package.ts'
import { exitCodes } from './command-line.ts'

/** `version`: the version, and nothing else, so that scripts can read it. */
export async function version(): Promise<number> {
  process.stdout.write(`${packageOf().version}\n`)
  return exitCodes.done
}
