import { type Config, defaults } from './config.ts'
import { settledFolders } from './config-folders.ts'
import type { LineOf } from './config-lines.ts'
import { settingsOf } from './config-names.ts'
import type { Problem } from './config-problems.ts'
import { codeOf, messageOf, OperationalError } from './errors.ts'
import { readTextFile } from './system/text-file.ts'
import { words } from './words.ts'

/** A settings file that is longer than this is a mistake. */
const maxBytes = 256_000

/** The settings in force, and which of them the file gives. */
export type Settings = {
  readonly config: Config
  /** By name (`program.stop`): the line that gives it, or null where that cannot be told. */
  readonly given: ReadonlyMap<string, number | null>
}

/** The settings of a project without a file. */
export function noSettings(): Settings {
  // A copy: settings in force can change, the defaults never do.
  return { config: structuredClone(defaults), given: new Map() }
}

/** The text of a settings file (absolute); null when there is none. Throws `ECONFIG` when it cannot be read. */
export async function readSettingsText(path: string): Promise<string | null> {
  try {
    return await readTextFile(path, maxBytes)
  } catch (error) {
    throw broken(path, messageOf(error), error)
  }
}

/** What the text of a settings file says; `path` is for messages only. */
export async function readSettings(text: string, path: string): Promise<Settings> {
  return settingsIn(await readToml(text, path))
}

/** A settings file that is TOML; whether it is right is another question. */
export type Written = {
  readonly parsed: Tables
  readonly lineOf: LineOf
  /** Makes the error of all that is wrong with it. */
  readonly refuse: (found: readonly Problem[]) => OperationalError
}

/** What a table of TOML is read to. */
export type Tables = Readonly<Record<string, unknown>>

/** Reads the text of a settings file as TOML; `path` is for messages only. Throws `ECONFIG` if it is none. */
export async function readToml(text: string, path: string): Promise<Written> {
  // Most projects have no such file; what reads it is not loaded for them.
  const [{ parse, TomlError }, { linesOf }, { problemText }] = await Promise.all([
    import('smol-toml'),
    import('./config-lines.ts'),
    import('./config-problems.ts'),
    // Whoever goes by a schedule later finds it loaded, also when `dist/` has been built anew by then.
    import('./config-schedule.ts'),
  ])
  const refuse = (found: readonly Problem[]) => broken(path, problemText(path, found))
  try {
    const parsed: unknown = parse(text, { unsafeKeyBehaviour: 'throw' })
    return { parsed: parsed as Tables, lineOf: linesOf(text), refuse }
  } catch (error) {
    // Its message goes on with a piece of the file, which may be a secret.
    const what = words.noToml(messageOf(error).replace(/^Invalid TOML document: |\n.*/gs, ''))
    throw refuse([{ line: error instanceof TomlError ? error.line : null, key: '', what }])
  }
}

/** The settings of one project that such a file gives. Throws its error when something is wrong with it. */
export async function settingsIn(written: Written): Promise<Settings> {
  const judged = await judge(written)
  if ('problems' in judged) throw written.refuse(judged.problems)
  return judged
}

/** The settings that tables give, or what is wrong with them. */
export async function judge({
  parsed,
  lineOf,
}: Pick<Written, 'parsed' | 'lineOf'>): Promise<Settings | { readonly problems: Problem[] }> {
  const [{ configSchema }, { lineNear }, { problemsOf, contradictions }] = await Promise.all([
    import('./config-schema.ts'),
    import('./config-lines.ts'),
    import('./config-problems.ts'),
  ])
  const known = settingsOf(defaults).map(({ name }) => name)
  const checked = configSchema(defaults).safeParse(parsed)
  if (!checked.success) return { problems: problemsOf(checked.error, parsed, lineOf, known) }
  const lines = known.flatMap((name): [string, number | null][] => {
    const names = name.split('.')
    return isGiven(parsed, names) ? [[name, lineNear(names, lineOf)]] : []
  })
  const given = new Map(lines)
  const config = settledFolders(checked.data, given.has('folders.deposit'))
  const odd = contradictions(config, lineOf, given)
  return odd.length > 0 ? { problems: odd } : { config, given }
}

function isGiven(parsed: unknown, [name, ...others]: readonly string[]): boolean {
  if (name === undefined) return true
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, name)) return false
  return isGiven((parsed as Record<string, unknown>)[name], others)
}

function broken(path: string, message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, {
    code: 'ECONFIG',
    path,
    hint: codeOf(cause) === 'EACCES' ? words.closedHint : words.brokenConfigHint,
    cause,
  })
}
