import { resolve } from 'node:path'
import { type Config, configFileName, defaults } from './config.ts'
import { settledFolders } from './config-folders.ts'
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

/**
 * The settings of a project: the defaults, and what `supervisor.toml` says instead. Its sections and
 * keys are those of `defaults` in snake_case, without the unit: `quietMs` is `quiet = "2s"`. All that
 * is wrong with the file is in one OperationalError with code `ECONFIG`.
 */
export async function loadConfig(projectDir: string): Promise<Config> {
  return (await loadSettings(projectDir)).config
}

/** The same, with what is known of where each setting comes from. */
export async function loadSettings(projectDir: string): Promise<Settings> {
  const path = resolve(projectDir, configFileName)
  const text = await readText(path)
  if (text !== null) return readSettings(text, path)
  // A copy: settings in force can change, the defaults never do.
  return { config: structuredClone(defaults), given: new Map() }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readTextFile(path, maxBytes)
  } catch (error) {
    throw broken(path, messageOf(error), error)
  }
}

/** What the text of a settings file says; `path` is for messages only. */
export async function readSettings(text: string, path: string): Promise<Settings> {
  // Most projects have no such file; what reads it is not loaded for them.
  const [{ parse, TomlError }, { configSchema }, { lineNear, linesOf }, problems] =
    await Promise.all([
      import('smol-toml'),
      import('./config-schema.ts'),
      import('./config-lines.ts'),
      import('./config-problems.ts'),
      // Whoever goes by a schedule later finds it loaded, also when `dist/` has been built anew by then.
      import('./config-schedule.ts'),
    ])
  const refuse = (found: readonly Problem[]) => broken(path, problems.problemText(path, found))
  let parsed: unknown
  try {
    parsed = parse(text, { unsafeKeyBehaviour: 'throw' })
  } catch (error) {
    // Its message goes on with a piece of the file, which may be a secret.
    const what = words.noToml(messageOf(error).replace(/^Invalid TOML document: |\n.*/gs, ''))
    throw refuse([{ line: error instanceof TomlError ? error.line : null, key: '', what }])
  }
  const lineOf = linesOf(text)
  const known = settingsOf(defaults).map(({ name }) => name)
  const checked = configSchema(defaults).safeParse(parsed)
  if (!checked.success) throw refuse(problems.problemsOf(checked.error, parsed, lineOf, known))
  const lines = known.flatMap((name): [string, number | null][] => {
    const names = name.split('.')
    return isGiven(parsed, names) ? [[name, lineNear(names, lineOf)]] : []
  })
  const given = new Map(lines)
  const config = settledFolders(checked.data, given.has('folders.deposit'))
  const odd = problems.contradictions(config, lineOf, given)
  if (odd.length > 0) throw refuse(odd)
  return { config, given }
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
