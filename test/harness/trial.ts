import { readFile, writeFile } from 'node:fs/promises'
import { pathsOf } from '../../src/config.ts'
import { ask } from '../../src/control/client.ts'
import type { Daemon } from './daemon.ts'
import { fastSettings } from './project.ts'

/**
 * For tests of what happens within a trial: it is not over before, however slowly Python starts. Where no
 * release passes by the time, that costs nothing.
 */
export const ampleTrial = { trial: { time: '20s' } }

/** The next trials are ample, for a release that is to fail. */
export function makeTrialsAmple(daemon: Daemon): Promise<void> {
  return setTrial(daemon, ampleTrial.trial.time)
}

/** The next trials are short, for a release that is to pass by the time. */
export function makeTrialsShort(daemon: Daemon): Promise<void> {
  return setTrial(daemon, fastSettings.trial.time)
}

async function setTrial({ dir }: Daemon, time: string): Promise<void> {
  const paths = pathsOf(dir)
  const text = await readFile(paths.settings, 'utf8')
  const trial = `[trial]\ntime = ${JSON.stringify(time)}\n`
  await writeFile(paths.settings, text.replace(/\[trial\]\ntime = .*\n/, trial))
  await ask('reload', paths)
}
