import { configFileName, defaults, type Site, withDeposit } from '../config.ts'
import type { Settings } from '../config-file.ts'
import { type Setting, settingsOf } from '../config-names.ts'
import { loadLayout } from '../config-projects.ts'
import { OperationalError } from '../errors.ts'
import { shown } from '../phrases.ts'
import { findAccount } from '../program/identity.ts'
import { type Forecast, type Preview, preview } from '../project/preview.ts'
import { findInterpreter } from '../python/interpreter.ts'
import { openWriters } from '../python/writers.ts'
import { clock } from '../system/clock.ts'
import { disk } from '../system/disk.ts'
import { depositWords } from '../words-deposit.ts'
import { verbWords } from '../words-verbs.ts'
import { answerEach } from './each.ts'
import { coloured, field } from './screen.ts'
import { chooseFrom } from './site.ts'
import { exitCodes, names, namesHelp, type Verb } from './verb.ts'

/** `check`: what would happen to what lies in the deposit now, and which settings are in force. */
export const verb: Verb = {
  help: `Usage: ota-supervisor check [NAME...] [-C DIR]

Says what would happen to what lies in the deposit now, and which settings are
not the defaults. It changes nothing, needs no daemon, and may be asked while
one runs. With --json it gives all settings, and where each comes from.

Exit code 0: it would be applied, or there is nothing; 1: it would be rejected,
or this user cannot see enough; 2: supervisor.toml is wrong.

${namesHelp}`,
  options: {},
  takes: names,
  async run(asked) {
    const layout = await loadLayout(asked.directory)
    return answerEach(asked, await chooseFrom(layout, asked), async ({ site, given }) => {
      const settings = { config: site.config, given }
      const found = await previewOf(site)
      const isBad = found !== null && ['refused', 'unknown'].includes(found.forecast.is)
      const texts = [...(found === null ? [] : [depositText(found)]), settingsText(settings)]
      return {
        value: forPrograms(found, settings),
        text: texts.join('\n'),
        code: isBad ? exitCodes.failed : exitCodes.done,
      }
    })
  },
}

/** Null where there is no deposit: then the settings are all there is to look at. */
async function previewOf(site: Site): Promise<Preview | null> {
  const { paths, config } = site
  // With the dot a link is followed.
  if (disk.kind(`${paths.project}/.`) !== 'dir') {
    throw new OperationalError(verbWords.noDirectory(paths.project), {
      code: 'ENOENT',
      path: paths.project,
    })
  }
  const python = await findInterpreter(config.program.python, paths.project)
  await findAccount(config.program)
  const place = withDeposit(site)
  if (place === null) return null
  const writers = openWriters(python, config.deposit.askMs)
  try {
    return await preview({ site: place, python, writers, clock })
  } finally {
    await writers.close()
  }
}

/** More files than these are only counted. */
const mostShown = 20

function depositText({ hold, files, bytes, forecast, junk, unseen }: Preview): string {
  const names = files.slice(0, mostShown).map((path) => `  ${shown(path)}`)
  if (files.length > mostShown) names.push(`  ${verbWords.andMore(files.length - mostShown)}`)
  const say = hold === null ? verbWords.wouldClaim : verbWords.asItLies
  return field('deposit', [
    ...(hold === null ? [] : depositWords.hold(hold).split('\n')),
    ...(files.length === 0 ? [] : [say(files.length, bytes), ...names]),
    ...forecastLines(forecast),
    ...(junk.length === 0 ? [] : [verbWords.wouldRemove(junk)]),
    ...unseen.map((what) => coloured(verbWords.cannotSee(what), 'yellow')),
  ])
}

function forecastLines(forecast: Forecast): string[] {
  switch (forecast.is) {
    case 'nothing':
      return [verbWords.nothingLies]
    case 'archive':
      return [verbWords.wouldUnpack]
    case 'unknown':
      return [coloured(verbWords.wouldDependOn, 'yellow')]
    case 'refused': {
      const text = verbWords.wouldRefuse(forecast.why)
      return text.split('\n').map((line) => coloured(line, 'red'))
    }
    case 'applied':
      return [
        coloured(verbWords.wouldApply(forecast.counts), 'green'),
        ...forecast.warnings.flatMap((text) => text.split('\n')).map(warned),
      ]
  }
}

function warned(text: string): string {
  return coloured(`WARNING: ${text}`, 'yellow')
}

/** The settings that are not the defaults. */
function settingsText({ config, given }: Settings): string {
  const usual = new Map(settingsOf(defaults).map(({ name, written }) => [name, written]))
  const lines = settingsOf(config)
    .map((setting) => ({ ...setting, was: usual.get(setting.name) }))
    .filter(({ written, was }) => JSON.stringify(written) !== JSON.stringify(was))
    .map((setting) => {
      const from = fromText(setting, given)
      return `${setting.name} = ${tomlText(shownValue(setting))}  (${from}; default ${tomlText(setting.was)})`
    })
  return field('settings', lines.length === 0 ? [verbWords.allDefaults] : lines)
}

/** `supervisor.toml:12`, without the line where that cannot be told, or `default`. */
function fromText({ name }: Setting, given: Settings['given']): string {
  const line = given.get(name)
  if (line === undefined) return 'default'
  return line === null ? configFileName : `${configFileName}:${line}`
}

/** The value as it is written, without what may be a secret: variables, and passwords in addresses. */
function shownValue({ name, written }: Setting): unknown {
  if (name === 'health.http') return String(written).replace(/\/\/[^/]*@/, '//***@')
  if (name !== 'program.env') return written
  return Object.fromEntries(Object.keys(Object(written)).map((key) => [key, '***']))
}

function tomlText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(JSON.stringify(value))
  if (Array.isArray(value)) return `[${value.map(tomlText).join(', ')}]`
  const pairs = Object.entries(value).map(([key, one]) => `${key} = ${tomlText(one)}`)
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
}

/** All of it: every setting with its value as it is written, and where it comes from. */
function forPrograms(found: Preview | null, { config, given }: Settings): object {
  const settings: Record<string, Record<string, object>> = {}
  for (const setting of settingsOf(config)) {
    const [section = '', key = ''] = setting.name.split('.')
    settings[section] ??= {}
    settings[section][key] = { value: shownValue(setting), from: fromText(setting, given) }
  }
  if (found === null) return { deposit: null, settings }
  const { hold, ...rest } = found
  const waitingFor = hold === null ? null : { because: hold.because, text: depositWords.hold(hold) }
  return { deposit: { waitingFor, ...rest }, settings }
}
