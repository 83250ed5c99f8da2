import { shown, wrapped } from '../phrases.ts'
import { migrateWords } from '../words-migrate.ts'
import type { Project, Proposal, Setting } from './proposal.ts'

/** A window over SSH often has no more columns. */
export const columns = 72

/** The text of the proposed `supervisor.toml`, with a comment for each line of it. */
export function tomlOf(directory: string, proposal: Proposal): string {
  const { isDiscovered, shared, projects } = proposal
  const own = isDiscovered
    ? [[...comment(migrateWords.discoverWhy), '[discover]', 'gupfiles = true']]
    : [comment(migrateWords.projectsWhy), ...projects.flatMap(projectBlocks)]
  const head = comment(migrateWords.head(directory))
  const blocks = isDiscovered
    ? [head, ...own, ...sections([], shared)]
    : [head, ...sections([], shared), ...own]
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`
}

function projectBlocks({ name, folder, settings }: Project): string[][] {
  const directory = name === folder ? [] : [`directory = ${tomlValue(folder)}`]
  const above = ['projects', name]
  return [[`[${above.join('.')}]`, ...directory], ...sections(above, settings)]
}

/** Each section once; one of which nothing is in force is a comment as a whole. */
function sections(above: readonly string[], settings: readonly Setting[]): string[][] {
  const names = [...new Set(settings.map(({ section }) => section))]
  return names.map((name) => {
    const own = settings.filter(({ section }) => section === name)
    const head = `[${[...above, name].join('.')}]`
    const isOff = own.every((setting) => setting.isOff)
    return [isOff ? `# ${head}` : head, ...own.flatMap(settingLines)]
  })
}

function settingLines({ key, value, why, isOff }: Setting): string[] {
  return [...why.flatMap(comment), `${isOff ? '# ' : ''}${key} = ${tomlValue(value)}`]
}

function comment(text: string): string[] {
  return wrapped(text, columns - 2).map((line) => `# ${shown(line)}`)
}

/** A text or a list of texts, as TOML has it: nearly as JSON. */
function tomlValue(value: Setting['value']): string {
  if (typeof value !== 'string') return `[${value.map(tomlValue).join(', ')}]`
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f')
}
