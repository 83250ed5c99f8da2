import type { Figure, Spread } from './figure.ts'
import type { Peer } from './peer.ts'
import type { Stage } from './stage.ts'

/** How much is done. The small one is for a look, not for numbers to show. */
export type Size = {
  /** Turns of each party; where one takes long, half of them. */
  readonly rounds: number
  readonly modules: number
  /** Files that merely lie in main. */
  readonly crowd: number
  /** Files of a large deposit. */
  readonly deposit: number
  readonly lines: number
  /** Swaps, one after the other, whose remains are looked at. */
  readonly swaps: number
  readonly idleMs: number
  /** The numbers of files over which the growth of cost is drawn. */
  readonly growth: readonly number[]
}

/** What a measurement works with. */
export type Bench = {
  /** Those that are installed. */
  readonly peers: readonly Peer[]
  readonly stage: Stage
  readonly size: Size
  /** Tells a person how far it is: `text` is about this moment only. */
  readonly progress: (text: string) => void
}

/** A line of the plot: what it cost at each size, all above zero, and the exponent with which that grows, if it can be told. */
export type Curve = {
  readonly name: string
  readonly points: readonly ({ readonly files: number } & Spread)[]
  readonly exponent: number | null
}

/** What a measurement found out. */
export type Findings = {
  readonly figures: readonly Figure[]
  /** For the plot. */
  readonly curves?: readonly Curve[]
  /** What went otherwise than meant: a party that did not start, swaps that were lost. */
  readonly remarks: readonly string[]
}

/** One measurement. Each has a file of its own in `measures/`. */
export type Measure = {
  /** What it is called on the command line. */
  readonly name: string
  readonly about: string
  readonly run: (bench: Bench) => Promise<Findings>
}
