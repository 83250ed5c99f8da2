import type { Config } from './config.ts'

/** One setting, as people meet it. */
export type Setting = {
  /** Its name in `supervisor.toml`, with its section: `program.stop`. */
  readonly name: string
  /** Where it is in `Config`: `['program', 'stopMs']`. */
  readonly path: readonly string[]
  /** Its value, as it would be written: `"10s"`, `"64kB"`, or what it is. */
  readonly written: unknown
}

/** All settings of a configuration, in order. */
export function settingsOf(config: Config): Setting[] {
  return Object.entries(config).flatMap(([section, settings]) =>
    Object.entries(settings).map(([key, value]) => settingAt([section, key], value)),
  )
}

function settingAt(path: readonly string[], value: unknown): Setting {
  const unit = unitOf(path.at(-1) ?? '')
  const written = unit === null ? value : textOf(Number(value), unit)
  return { name: path.map(tomlName).join('.'), path, written }
}

/** `quietMs` → `quiet`, `maxLineBytes` → `max_line`; a setting that is all unit is called `time`. */
export function tomlName(key: string): string {
  const name = key
    .replace(/(Ms|Bytes)$/, '')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return name === 'ms' ? 'time' : name
}

/** How much each unit of `supervisor.toml` is: durations in milliseconds, sizes in bytes. */
export const units = {
  duration: { h: 3_600_000, min: 60_000, s: 1_000, ms: 1 },
  size: { GB: 1e9, MB: 1e6, kB: 1e3, KB: 1e3, B: 1 },
} as const

/** What a setting of this key is measured in; null for one that is just a number, or none. */
export function unitOf(key: string): keyof typeof units | null {
  if (/ms$/i.test(key)) return 'duration'
  return key.endsWith('Bytes') ? 'size' : null
}

/** 90000 → `90s`, 3500 → `3.5s`: in the largest unit that takes one decimal at most. */
function textOf(value: number, kind: keyof typeof units): string {
  const all = Object.entries(units[kind])
  const whole = all.find(([, unit]) => value >= unit && value % unit === 0)
  const decimal = all.find(([, unit]) => value >= unit && (value * 10) % unit === 0)
  const isShort = whole?.[1] === 1 && decimal !== undefined
  const [name, unit] = (isShort ? decimal : whole) ?? all.at(-1) ?? ['', 1]
  return `${value / unit}${name}`
}
