import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Config, defaults } from '../src/config.ts'
import { type Setting, settingsOf, tomlName } from '../src/config-names.ts'
import { daemonSections } from '../src/config-projects.ts'
import { configSchema } from '../src/config-schema.ts'

/**
 * Writes what is made of the defaults in src/config.ts and of their comments: the JSON Schema for editors
 * and the page for people. `npm run schema` runs it; a test tells when that was forgotten.
 */

/** The root of the repository: this file is run from .test-build/scripts. */
const root = new URL('../../', import.meta.url)

/** What is made, by its path from the root. */
export function made(): ReadonlyMap<string, string> {
  const comments = commentsIn(readFileSync(new URL('src/config.ts', root), 'utf8'))
  return new Map([
    ['supervisor.schema.json', schemaText(comments)],
    ['docs/settings.md', pageText(comments)],
  ])
}

/** The comments of the settings and of their sections, by name as in `supervisor.toml`. */
type Comments = ReadonlyMap<string, string>

/** Settings that nobody has said a word about. */
export function silent(): string[] {
  const comments = commentsIn(readFileSync(new URL('src/config.ts', root), 'utf8'))
  return settingsOf(defaults)
    .map(({ name }) => name)
    .filter((name) => !comments.has(name))
}

function commentsIn(source: string): Comments {
  const comments = new Map<string, string>()
  const begin = source.indexOf('export const defaults = {')
  const text = source.slice(begin, source.indexOf('\n}\n', begin))
  let section = ''
  for (const [, comment = '', indent = '', key = ''] of text.matchAll(
    /(?:^ +\/\*\*((?:[^*]|\*(?!\/))*)\*\/\n)?^( {2}| {4})(\w+): /gm,
  )) {
    if (indent.length === 2) section = tomlName(key)
    const name = indent.length === 2 ? section : `${section}.${tomlName(key)}`
    const words = comment.replace(/\n\s*\* ?/g, ' ').trim()
    if (words !== '')
      comments.set(name, words.replace(/`([a-z]+\.)?([a-z]+(?:[A-Z][a-z]+)+)`/g, asWritten))
  }
  return comments
}

function asWritten(_: string, section: string | undefined, key: string): string {
  return `\`${section ?? ''}${tomlName(key)}\``
}

type Schema = Record<string, unknown> & { properties?: Record<string, Schema> }

function schemaText(comments: Comments): string {
  const schema = z.toJSONSchema(configSchema(defaults as Config), {
    io: 'input',
    target: 'draft-7',
  }) as Schema
  const told = settingsOf(defaults)
  for (const [section, { properties = {}, ...rest }] of Object.entries(schema.properties ?? {})) {
    const settings = Object.entries(properties).map(([key, value]) => {
      const name = `${section}.${key}`
      const found = told.find((setting) => setting.name === name)
      return [key, { description: comments.get(name), default: found?.written, ...value }]
    })
    const description = comments.get(section)
    const whole = { description, ...rest, properties: Object.fromEntries(settings) }
    schema.properties = { ...schema.properties, [section]: whole }
  }
  schema.properties = { ...schema.properties, projects: projectsSchema(schema.properties ?? {}) }
  const { $schema, ...rest } = schema
  const head = { $schema, title: 'supervisor.toml', description: 'Settings of ota-supervisor.' }
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`
}

/** The projects of a parent: sections as at the top, but for those of the daemon. */
function projectsSchema(sections: Readonly<Record<string, Schema>>): Schema {
  const own = Object.entries(sections)
    .filter(([section]) => !daemonSections.includes(section))
    .map(([section, { description }]) => [
      section,
      { description, allOf: [{ $ref: `#/properties/${section}` }] },
    ])
  const directory = {
    description: 'The folder of the project, relative to this file; its name if it is not given.',
    type: 'string',
    minLength: 1,
  }
  const description =
    'Many projects under one daemon, by name. Sections at the top hold for each that does not say otherwise.'
  const project = {
    type: 'object',
    properties: { directory, ...Object.fromEntries(own) },
    additionalProperties: false,
  }
  return { description, type: 'object', additionalProperties: project }
}

const head = `# Settings

<!-- Made of src/config.ts by \`npm run schema\`: change it there. -->

All keys of \`supervisor.toml\`, which lies in the project folder. The file and every key are optional. It is read when the
daemon starts, and again on \`ota-supervisor reload\`; one with a mistake is refused as a whole, with a line for each mistake.
\`ota-supervisor check\` shows what is in force, and which line it comes from.

- A duration is a text such as \`"250ms"\`, \`"10s"\`, \`"5min"\` or \`"1h"\`; a size \`"64kB"\`, \`"10MB"\` or \`"1GB"\` (1 kB is 1000 bytes).
- A list in the file takes the place of the default; it does not add to it.
- Names of the deposit (\`ignore\`, \`keep\`, \`drop\`, \`temporary\`) are names without folders, and count in every folder.
- Editors that know TOML (VS Code with Even Better TOML, others with Taplo) complete and check the file if it begins with
  \`#:schema /opt/ota-supervisor/supervisor.schema.json\` (the path to your copy).

With \`[projects.NAME]\` or \`[discover]\` in it the file is that of a parent, whose daemon runs many projects
([connectors.md](connectors.md)). All sections may then stand under \`[projects.NAME]\` too, and go before those at the top, key by key; but
for ${daemonSections.map((section) => `\`[${section}]\``).join(', ')}, which are about the daemon as a whole.

Most of them are there for odd machines and for tests. The few that are often wanted are in the [README](../README.md#settings).
`

function pageText(comments: Comments): string {
  const sections = Object.keys(defaults)
    .map(tomlName)
    .map((section) => {
      const rows = settingsOf(defaults).filter(({ name }) => name.startsWith(`${section}.`))
      const about = comments.get(section)
      return [
        `\n## [${section}]\n`,
        ...(about === undefined ? [] : [`${about}\n`]),
        '| key | default | meaning |',
        '|---|---|---|',
        ...rows.map((row) => rowText(row, comments)),
        '',
      ].join('\n')
    })
  return head + sections.join('')
}

function rowText({ name, written }: Setting, comments: Comments): string {
  const key = name.split('.')[1]
  const value = Array.isArray(written)
    ? written.map((one) => code(JSON.stringify(one))).join(' ') || code('[]')
    : code(JSON.stringify(written))
  return `| \`${key}\` | ${value} | ${(comments.get(name) ?? '').replaceAll('|', '\\|')} |`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of made()) writeFileSync(new URL(path, root), text)
}
