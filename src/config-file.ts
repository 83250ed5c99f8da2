import { join } from 'node:path'
import { type Config, defaults } from './config.ts'
import { healthMistake } from './config-health.ts'
import { messageOf, OperationalError } from './errors.ts'
import { disk } from './system/disk.ts'

/** The optional settings file of a project. */
const configFileName = 'supervisor.toml'

/**
 * The settings of a project: the defaults, and what `supervisor.toml` says instead. Its sections and
 * keys are those of `defaults` in snake_case, without the unit: `quietMs` is `quiet = "2s"`. Anything
 * unknown or of a wrong type is an OperationalError that names the key.
 */
export async function loadConfig(projectDir: string): Promise<Config> {
  const path = join(projectDir, configFileName)
  const text = await disk.readText(path)
  // A copy: settings in force can change, the defaults never do.
  if (text === null) return structuredClone(defaults)
  // Most projects have no such file; what reads it is not loaded for them.
  const [{ parse }, { configSchema }] = await Promise.all([
    import('smol-toml'),
    import('./config-schema.ts'),
  ])
  try {
    const config = configSchema(defaults).parse(parse(text))
    const mistake = healthMistake(config.health)
    if (mistake !== null) throw new Error(mistake)
    return config
  } catch (error) {
    throw new OperationalError(`${path}: ${await explain(error)}`, {
      code: 'ECONFIG',
      path,
      hint: 'correct the file, or remove it: every setting has a default',
      cause: error,
    })
  }
}

async function explain(error: unknown): Promise<string> {
  const { z } = await import('zod')
  return error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
}
