import { loadConfig } from '../config-file.ts'
import { runDaemon } from '../daemon.ts'
import type { CommandLine } from './command-line.ts'

/** `run`: the daemon itself, until a signal ends it. */
export async function run({ directory }: CommandLine): Promise<number> {
  return runDaemon(directory, await loadConfig(directory))
}
