import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Size } from './measure.ts'

/** What was asked for on the command line. `beside` is absolute; null: no other clone. */
export type Asked =
  | {
      readonly is: 'run'
      readonly names: readonly string[]
      readonly size: Size
      readonly beside: string | null
      readonly isFull: boolean
    }
  | { readonly is: 'help'; readonly text: string }
  | { readonly is: 'wrong'; readonly why: string }

const full: Size = {
  rounds: 10,
  modules: 500,
  crowd: 100_000,
  deposit: 10_000,
  lines: 1_000_000,
  swaps: 1_000,
  idleMs: 60_000,
  growth: [1, 10, 100, 1_000, 10_000],
}

const quick: Size = {
  rounds: 2,
  modules: 50,
  crowd: 1_000,
  deposit: 500,
  lines: 100_000,
  swaps: 10,
  idleMs: 4_000,
  growth: [1, 10, 100],
}

const usage = `Usage: npm run bench -- [MEASUREMENT …] [--rounds N] [--quick] [--beside DIR]

Without a name all measurements are taken: about an hour.

      --rounds N   turns of each party (${full.rounds})
      --quick      about a minute; everything is smaller, and the numbers are rough
      --beside DIR another clone of this repository, built: its daemon takes part too
  -h, --help

Measurements:
`

/** Reads the arguments; `known` are the measurements there are, with what they are about. */
export function readArguments(
  args: readonly string[],
  known: readonly { readonly name: string; readonly about: string }[],
): Asked {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        beside: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { is: 'help', text: helpOf(known) }
    const unknown = positionals.filter((name) => !known.some((one) => one.name === name))
    if (unknown.length > 0)
      return { is: 'wrong', why: `no measurement is called ${unknown.join(', ')}` }
    const size = values.quick ? quick : full
    const rounds = values.rounds === undefined ? size.rounds : Number(values.rounds)
    if (!Number.isInteger(rounds) || rounds < 1) {
      return { is: 'wrong', why: `--rounds takes a number, 1 or more, not ${values.rounds}` }
    }
    const beside = values.beside === undefined ? null : resolve(values.beside)
    const isFull = !values.quick && positionals.length === 0 && beside === null
    return { is: 'run', names: positionals, size: { ...size, rounds }, beside, isFull }
  } catch (error) {
    return { is: 'wrong', why: error instanceof Error ? error.message : String(error) }
  }
}

function helpOf(known: readonly { readonly name: string; readonly about: string }[]): string {
  return usage + known.map(({ name, about }) => `  ${name.padEnd(16)} ${about}\n`).join('')
}
