import { z } from 'zod'
import type { Config } from './config.ts'

/** The schema of `supervisor.toml`, made from the defaults: it answers with the whole configuration. */
export function configSchema(defaults: Config): z.ZodType<Config> {
  return section(defaults) as unknown as z.ZodType<Config>
}

/** A group of settings, from TOML's names to ours. What is not given keeps its default. */
function section(defaults: object): z.ZodType<object> {
  const keys = Object.entries(defaults).map(([key, value]) => ({ key, value, name: tomlName(key) }))
  const shape = Object.fromEntries(
    keys.map(({ key, value, name }) => [name, setting(key, value).optional()]),
  )
  return z.strictObject(shape).transform((given) => {
    const values: Record<string, unknown> = given
    return Object.fromEntries(
      keys.map(({ key, value, name }) => [key, values[name] ?? withDefaults(value)]),
    )
  })
}

function withDefaults(value: unknown): unknown {
  return isSection(value) ? { ...value } : value
}

function setting(key: string, value: unknown): z.ZodType {
  if (isSection(value)) return section(value)
  if (Array.isArray(value)) {
    return z.array(typeof value[0] === 'number' ? z.number() : z.string().min(1))
  }
  if (typeof value === 'boolean') return z.boolean()
  if (typeof value === 'string') return z.string()
  if (/ms$/i.test(key)) return duration
  if (key.endsWith('Bytes')) return size
  return z.number().nonnegative()
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `quietMs` → `quiet`, `maxLineBytes` → `max_line`; a setting that is all unit is called `time`. */
function tomlName(key: string): string {
  const name = key
    .replace(/(Ms|Bytes)$/, '')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return name === 'ms' ? 'time' : name
}

const durationUnits = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 } as const

/** `"1.5s"` → 1500. */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|min|h)$/, 'expected a duration such as "250ms", "10s", "5min" or "1h"')
  .transform((text) => quantity(text, durationUnits))

const sizeUnits = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 } as const

/** `"10MB"` → 10000000. */
const size = z
  .string()
  .regex(/^\d+(\.\d+)?([kKMG]?B)$/, 'expected a size such as "64kB", "10MB" or "1GB"')
  .transform((text) => quantity(text, sizeUnits))

function quantity(text: string, units: Readonly<Record<string, number>>): number {
  const number = Number.parseFloat(text)
  const unit = text.replace(/^[\d.]+/, '')
  return Math.round(number * (units[unit] ?? 1))
}
