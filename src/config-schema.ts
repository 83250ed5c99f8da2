import * as z from 'zod'
import {
  type Config,
  dependencyPolicies,
  importPolicies,
  localChangePolicies,
  restartPolicies,
  rewrittenPolicies,
  selfUpdateModes,
  sourceSchemes,
  stopSignals,
} from './config.ts'
import * as kinds from './config-kinds.ts'
import { tomlName, unitOf } from './config-names.ts'
import { words } from './words.ts'

/** The schema of `supervisor.toml`, made from the defaults: it answers with the whole configuration. */
export function configSchema(defaults: Config): z.ZodType<Config> {
  const schema = group(defaults, (section, settings) =>
    group<unknown>(settings, (key, value) => settingKind(section, key, value)),
  )
  return schema as unknown as z.ZodType<Config>
}

/** A group of settings, from TOML's names to ours. What is not given keeps its default. */
function group<Value>(
  defaults: Readonly<Record<string, Value>>,
  kindOf: (key: string, value: Value) => z.ZodType,
): z.ZodType<object> {
  const keys = Object.entries(defaults).map(([key, value]) => ({ key, value, name: tomlName(key) }))
  const shape = Object.fromEntries(
    keys.map(({ key, value, name }) => [name, kindOf(key, value).optional()]),
  )
  return z.strictObject(shape, words.expected(`a table`)).transform((given) => {
    const values: Record<string, unknown> = given
    // A copy: settings in force can change, the defaults never do.
    return Object.fromEntries(
      keys.map(({ key, value, name }) => [key, values[name] ?? structuredClone(value)]),
    )
  })
}

/** What a setting takes: told by its name and its default, where the lists below do not. */
function settingKind(section: string, key: string, value: unknown): z.ZodType {
  const name = `${section}.${key}`
  const special = specials.get(name)
  if (special !== undefined) return special
  if (Array.isArray(value)) {
    return kinds.list(typeof value[0] === 'number' ? kinds.whole(0) : kinds.text())
  }
  switch (typeof value) {
    case 'boolean':
      return kinds.flag
    case 'string':
      return kinds.text()
    case 'number':
      return numberKind(name, key, value)
    default:
      return kinds.table
  }
}

function numberKind(name: string, key: string, value: number): z.ZodType {
  const least = value === 0 || mayBeZero.has(name) ? 0 : 1
  const unit = unitOf(key)
  if (unit === 'duration') return kinds.duration(least)
  if (unit === 'size') return kinds.size(least)
  return Number.isInteger(value) ? kinds.whole(least) : kinds.share()
}

const hour = 3_600_000

/** Every setting, as `Config` names it: `program.stopMs`. */
type Name = {
  [Section in keyof Config]: `${Section}.${keyof Config[Section] & string}`
}[keyof Config]

const specials: ReadonlyMap<string, z.ZodType> = new Map<Name, z.ZodType>([
  ['folders.main', kinds.mainFolder],
  ['folders.deposit', kinds.text('the path of a folder')],
  ['program.entry', kinds.pathInside],
  ['program.python', kinds.commandIfAny],
  ['program.args', kinds.list(kinds.text())],
  ['program.env', kinds.environment],
  ['program.cwd', kinds.folder],
  ['program.user', kinds.account],
  ['program.group', kinds.account],
  ['program.afterUpdate', kinds.afterUpdate],
  ['program.restart', kinds.choice(restartPolicies)],
  ['program.stopSignal', kinds.choice(stopSignals)],
  ['health.command', kinds.argv],
  ['health.http', kinds.httpAddress],
  ['health.tcp', kinds.tcpAddress],
  ['hooks.committed', kinds.argv],
  ['hooks.rejected', kinds.argv],
  ['hooks.rolledBack', kinds.argv],
  ['hooks.fatal', kinds.argv],
  // After a longer time nothing would seem to be taken any more.
  ['deposit.quietMs', kinds.duration(0, hour)],
  ['deposit.unknownQuietMs', kinds.duration(0, hour)],
  ['deposit.blindQuietMs', kinds.duration(0, hour)],
  ['deposit.ports', kinds.list(kinds.whole(1, 65_535))],
  ['deposit.holdMarkers', kinds.list(kinds.fileName)],
  ['deposit.goMarkers', kinds.list(kinds.fileName)],
  ['deposit.archives', kinds.list(kinds.archiveName)],
  ['deposit.manifest', kinds.fileName],
  ['deposit.resultFile', kinds.fileNameIfAny],
  ['deposit.ignore', kinds.list(kinds.pattern)],
  ['deposit.keep', kinds.list(kinds.pattern)],
  ['deposit.drop', kinds.list(kinds.pattern)],
  ['deposit.temporary', kinds.list(kinds.pattern)],
  // It is divided by.
  ['deposit.tickShare', kinds.share(0.001)],
  // With the folders of the journal before it a path must fit into the system's limit of 4,096.
  ['verify.maxPathBytes', kinds.size(255, 3_500)],
  ['verify.imports', kinds.choice(importPolicies)],
  ['python.dependencies', kinds.choice(dependencyPolicies)],
  ['python.venv', kinds.text('a path')],
  ['git.remote', kinds.remote],
  ['git.branch', kinds.refName],
  ['git.tag', kinds.refPattern],
  ['git.schedule', kinds.schedule],
  ['git.localChanges', kinds.choice(localChangePolicies)],
  ['git.rewritten', kinds.choice(rewrittenPolicies)],
  ['selfUpdate.mode', kinds.choice(selfUpdateModes)],
  ['selfUpdate.from', kinds.versionSource],
  ['selfUpdate.tag', kinds.refPattern],
  ['selfUpdate.branch', kinds.refName],
  ['selfUpdate.schedule', kinds.schedule],
  ['discover.ignore', kinds.list(kinds.pattern)],
  ['python.sources', kinds.list(kinds.choice(sourceSchemes))],
])

/** Numbers that may be zero: nothing waits for ever then, or runs in circles. */
const mayBeZero: ReadonlySet<string> = new Set<Name>([
  'program.startMs',
  'program.backoffMs',
  'program.backoffMaxMs',
  'program.healthyMs',
  'program.stopMs',
  'program.termMs',
  'program.drainMs',
  'health.startPeriodMs',
  'git.randomDelayMs',
  'git.randomDelayMinMs',
  'git.clockWaitMs',
  'selfUpdate.randomDelayMs',
  'selfUpdate.randomDelayMinMs',
  'selfUpdate.clockWaitMs',
  'selfUpdate.idleMs',
  'selfUpdate.stayMs',
  'hooks.endMs',
  'hooks.waiting',
  'hooks.maxOutputBytes',
  'deposit.sessionQuietMs',
  'deposit.connectionMs',
  'deposit.orphanMs',
  'deposit.journalMarginMs',
  'deposit.journalSkewMs',
  'deposit.emptyFolderMs',
  'deposit.manifestWaitMs',
  'deposit.bootWaitMs',
  'trial.ms',
  'verify.repairMs',
  'python.minFreeBytes',
  'python.keepBytes',
  'update.minFreeBytes',
  'update.reserveBytes',
  'update.keepRejected',
  'update.maxRejectedBytes',
  'update.keepJournals',
  'update.maxJournalBytes',
  'log.closeMs',
  'daemon.secondSignalMs',
])
