import type { Measure } from './measure.ts'
import { deposit } from './measures/deposit.ts'
import { growth } from './measures/growth.ts'
import { idle } from './measures/idle.ts'
import { output } from './measures/output.ts'
import { start } from './measures/start.ts'
import { swapAmong } from './measures/swap-among.ts'
import { swapMany } from './measures/swap-many.ts'
import { swapOne } from './measures/swap-one.ts'
import { thousandSwaps } from './measures/thousand-swaps.ts'

/** All measurements, in the order in which they are taken. */
export const measures: readonly Measure[] = [
  swapOne,
  swapMany,
  swapAmong,
  deposit,
  growth,
  output,
  start,
  idle,
  thousandSwaps,
]
