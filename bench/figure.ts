/** What one party was measured at, round by round; null: it did not get there in that round. */
export type Values = readonly (number | null)[]

/** One line of a figure. */
export type Row = {
  readonly who: string
  readonly values: Values
  /** What it is compared with, of the same rounds; null: it is the measure of the others. */
  readonly base: Values | null
}

/** One thing that was measured. */
export type Figure = {
  readonly title: string
  readonly unit: string
  /** What the ratios are against; null: there are none. */
  readonly against: string | null
  readonly rows: readonly Row[]
  /** What the design asks for, and whether it is so; null: nothing. */
  readonly aim: { readonly text: string; readonly isMet: boolean | null } | null
}

/** A middle value with the middle half around it. */
export type Spread = { readonly median: number; readonly low: number; readonly high: number }

/** Median and quartiles of what is there; null when nothing is. */
export function spreadOf(values: Values): Spread | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  return { median: at(sorted, 0.5), low: at(sorted, 0.25), high: at(sorted, 0.75) }
}

/**
 * The ratio to the base, taken in each round by itself: both stood there within moments of each other,
 * so that what else the machine was doing disturbs it less.
 */
export function ratioOf({ values, base }: Row): Spread | null {
  if (base === null) return null
  return spreadOf(
    values.map((value, round) => {
      const other = base[round] ?? null
      return value === null || other === null || other === 0 ? null : value / other
    }),
  )
}

/** The row of a party. */
export function rowOf(rows: readonly Row[], who: string): Row | undefined {
  return rows.find((row) => row.who === who)
}

/**
 * The exponent of cost over size: the slope of the line through the points on two logarithmic axes.
 * null: no line goes through fewer than two of them. All of them must be above zero.
 */
export function exponentOf(
  points: readonly { readonly x: number; readonly y: number }[],
): number | null {
  if (points.length < 2) return null
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const)
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length
  const above = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const below = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return above / below
}

function at(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

/** One row for each party, all of them compared with one. */
export function rowsAgainst(values: ReadonlyMap<string, Values>, base: string | null): Row[] {
  const baseValues = base === null ? null : (values.get(base) ?? null)
  return [...values].map(([who, own]) => ({
    who,
    values: own,
    base: who === base ? null : baseValues,
  }))
}

/** An aim for the ratio of a row: its median must not be above the limit. */
export function ratioAim(row: Row | undefined, limit: number, text: string): Figure['aim'] {
  const ratio = row === undefined ? null : ratioOf(row)
  return { text, isMet: ratio === null ? null : ratio.median <= limit }
}

/** An aim for the values of a row: their median must not be above the limit. */
export function valueAim(row: Row | undefined, limit: number, text: string): Figure['aim'] {
  const spread = row === undefined ? null : spreadOf(row.values)
  return { text, isMet: spread === null ? null : spread.median <= limit }
}
