import type { Site } from '../config.ts'
import type { Clock, Log, ProgramReading } from '../model.ts'
import { isWanted } from '../project/wanted.ts'
import { ownInstall, takeLaunch } from '../self/install.ts'
import { openSelfUpdate, type SelfUpdate } from '../self/self-update.ts'
import { builtAt, packageOf } from '../system/package.ts'
import { readSync } from '../system/synchronised.ts'
import { readReleases } from '../update/store.ts'
import type { Ending } from './ending.ts'

/** A project of the daemon, and how its program stands. */
export type Reading = { readonly site: Site; readonly reading: () => ProgramReading }

/** What the care for versions knows of what the daemon runs. */
type Runs = {
  readonly readings: () => readonly Reading[]
  readonly isReady: () => boolean
}

/** Opens the care for the daemon's own version, whose settings are those of `site`. */
export function openSelf(
  site: Site,
  runs: () => Runs,
  setpriv: string | null,
  { shutdown, end }: Ending,
  log: Log,
  clock: Clock,
): SelfUpdate {
  const { version } = packageOf()
  const means = { site, version, install: ownInstall(), setpriv, end: shutdown }
  const isSynchronised = async () => (await readSync()) === 'yes'
  const around = {
    means,
    isLaunched: takeLaunch(process.env, process.pid),
    outside: { isSynchronised, builtAt: builtAt(), random: Math.random },
    standings: () =>
      runs()
        .readings()
        .map(({ site, reading }) => {
          return {
            name: site.paths.project,
            reading: reading(),
            isWanted: isWanted(site),
            trialMs: site.config.trial.ms,
          }
        }),
    async isBusy() {
      // A first start may have packages to install, and what it ends as is what counts later.
      if (!runs().isReady()) return true
      const all = await Promise.all(
        runs()
          .readings()
          .map(({ site }) => readReleases(site)),
      )
      return all.flat().some(({ stage }) => stage?.stage !== 'ended')
    },
    endDaemon: end,
  }
  return openSelfUpdate(around, log, clock)
}
