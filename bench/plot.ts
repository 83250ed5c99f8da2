import type { Curve } from './measure.ts'

/** The drawing, in pixels of the SVG: the whole, and the margins around the axes. */
const width = 860
const height = 520
const left = 84
const right = 300
const top = 64
const bottom = 64

/** Dark enough on white, and told apart also by those who do not see red and green. */
const colours = ['#0b5fa5', '#5aa9e6', '#c2410c', '#6b7280', '#047857']

/** A label needs this much height. */
const labelHeight = 34

/** Places a value on a logarithmic axis. */
type Scale = { readonly ticks: readonly number[]; readonly at: (value: number) => number }

/** Cost over number of files, both axes logarithmic, as a whole SVG document. */
export function plotOf(curves: readonly Curve[]): string {
  const drawn = curves.filter(({ points }) => points.length > 0)
  const points = drawn.flatMap((curve) => curve.points)
  const x = scale(
    points.map(({ files }) => files),
    left,
    width - right,
  )
  const y = scale(
    points.flatMap(({ low, high }) => [low, high]),
    height - bottom,
    top,
  )
  const labels = spreadOut(drawn.map((curve) => y.at(curve.points.at(-1)?.median ?? 1)))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#111827">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${left}" y="26" font-size="17" font-weight="bold">Cost of a swap over the number of Python files it replaces</text>`,
    `<text x="${left}" y="46" fill="#4b5563">medians, with the middle half of the rounds; both axes logarithmic</text>`,
    ...axes(x, y),
    ...drawn.flatMap((curve, index) => draw(curve, colourOf(index), x, y)),
    ...drawn.flatMap((curve, index) => label(curve, colourOf(index), labels[index] ?? top, x, y)),
    '</svg>',
    '',
  ].join('\n')
}

function axes(x: Scale, y: Scale): string[] {
  const [bottomY, rightX] = [height - bottom, width - right]
  return [
    ...x.ticks.flatMap((tick) => [
      `<line x1="${x.at(tick)}" y1="${top}" x2="${x.at(tick)}" y2="${bottomY}" stroke="#e5e7eb"/>`,
      `<text x="${x.at(tick)}" y="${bottomY + 20}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      `<line x1="${left}" y1="${y.at(tick)}" x2="${rightX}" y2="${y.at(tick)}" stroke="#e5e7eb"/>`,
      `<text x="${left - 8}" y="${y.at(tick) + 4}" text-anchor="end">${timeText(tick)}</text>`,
    ]),
    `<path d="M${left} ${top}V${bottomY}H${rightX}" fill="none" stroke="#6b7280"/>`,
    `<text x="${(left + rightX) / 2}" y="${height - 18}" text-anchor="middle">files replaced</text>`,
  ]
}

function draw({ points }: Curve, colour: string, x: Scale, y: Scale): string[] {
  const line = points.map(({ files, median }) => `${x.at(files)},${y.at(median)}`).join(' ')
  return [
    `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.flatMap(({ files, median, low, high }) => [
      `<line x1="${x.at(files)}" y1="${y.at(low)}" x2="${x.at(files)}" y2="${y.at(high)}" stroke="${colour}" stroke-width="6" stroke-opacity="0.25"/>`,
      `<circle cx="${x.at(files)}" cy="${y.at(median)}" r="3.5" fill="${colour}"/>`,
    ]),
  ]
}

/** Beside the end of its line, with the exponent. */
function label(
  { name, points, exponent }: Curve,
  colour: string,
  labelY: number,
  x: Scale,
  y: Scale,
): string[] {
  const last = points.at(-1)
  if (last === undefined) return []
  const endX = width - right
  const growth = exponent === null ? '' : `; grows as files^${exponent.toFixed(2)}`
  return [
    `<path d="M${x.at(last.files) + 5} ${y.at(last.median)}L${endX + 22} ${labelY}" stroke="${colour}" stroke-opacity="0.5" fill="none"/>`,
    `<text x="${endX + 27}" y="${labelY}" fill="${colour}" font-weight="bold">${escaped(name)}</text>`,
    `<text x="${endX + 27}" y="${labelY + 15}" fill="#4b5563" font-size="12">${timeText(last.median)} at ${last.files.toLocaleString('en')}${growth}</text>`,
  ]
}

/** Moves labels apart that would lie over each other; each stays as near to its line as it can. */
function spreadOut(wanted: readonly number[]): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))
  const placed: number[] = []
  let free = top
  for (const index of order) {
    placed[index] = Math.max(wanted[index] ?? 0, free)
    free = (placed[index] ?? 0) + labelHeight
  }
  // From the bottom up again, for those that were pushed out of the drawing.
  let limit = height - bottom
  for (const index of order.toReversed()) {
    placed[index] = Math.min(placed[index] ?? 0, limit)
    limit = (placed[index] ?? 0) - labelHeight
  }
  return placed
}

/** Whole powers of ten around the values. */
function scale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9)
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9))
  const ticks = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step))
  return {
    ticks,
    at: (value) => round(from + ((Math.log10(value) - low) / (high - low)) * (to - from)),
  }
}

function timeText(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(2)).toLocaleString('en')} s`
  return `${Number(ms.toPrecision(2))} ms`
}

function colourOf(index: number): string {
  return colours[index % colours.length] ?? '#000000'
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
