import type { Site } from '../config.ts'
import { openSessionLog, type SessionLog } from '../log/session.ts'
import type { Clock, ProgramReading } from '../model.ts'
import { packageOf } from '../system/package.ts'
import { lastCommitted, readHistory } from '../update/history.ts'
import { words } from '../words.ts'

/** The log of this session; `watch` gives it the program, whose state each of its files begins with. */
export type Session = {
  readonly log: SessionLog
  readonly watch: (reading: () => ProgramReading) => void
}

/**
 * Opens the log of this session. Its files begin with what runs: versions, release, cause. `isQuiet`: nothing is
 * said on the console.
 */
export async function openSession(
  pythonVersion: string,
  site: Site,
  clock: Clock,
  isQuiet: boolean,
): Promise<Session> {
  const { version } = packageOf()
  const node = process.versions.node
  const hello = words.hello({ version, project: site.paths.project, python: pythonVersion, node })
  const inMain = words.mainHolds(lastCommitted(await readHistory(site)))
  let runs = () => inMain
  const log = openSessionLog(site, clock, isQuiet, () => `${hello}\n${runs()}`)
  return {
    log,
    watch(reading) {
      runs = () => words.runs(reading())
    },
  }
}
