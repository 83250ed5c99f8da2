import { type Figure, type Row, ratioOf, type Spread, spreadOf } from './figure.ts'

/** A figure as lines of text: who, median, the middle half, and the ratio with its own. */
export function tableOf(figure: Figure): string {
  const cells = figure.rows.map((row) => [row.who, ...valueCells(row), ...ratioCells(row, figure)])
  const head = [
    '',
    figure.unit,
    'middle half',
    ...(figure.against === null ? [] : [`× ${figure.against}`, '']),
  ]
  const lines = aligned([head, ...cells])
  return [figure.title, ...lines, ...aimLines(figure)].join('\n')
}

function aimLines({ aim }: Figure): string[] {
  if (aim === null) return []
  const result = aim.isMet === null ? 'not measured' : aim.isMet ? 'met' : 'MISSED'
  return [`  aim: ${aim.text}: ${result}`]
}

function valueCells({ values }: Row): string[] {
  const spread = spreadOf(values)
  const lost = values.filter((value) => value === null).length
  const note = lost === 0 ? '' : `, ${lost} of ${values.length} lost`
  return spread === null
    ? ['–', `never got there${note}`]
    : [short(spread.median), halfOf(spread) + note]
}

function ratioCells(row: Row, { against }: Figure): string[] {
  if (against === null) return []
  const ratio = ratioOf(row)
  if (ratio === null) return [row.base === null ? '1' : '–', '']
  return [ratio.median.toFixed(2), `${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}`]
}

function halfOf({ low, high }: Spread): string {
  return `${short(low)} – ${short(high)}`
}

/** Three digits that count, without an exponent. */
function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1_000_000) return `${(value / 1_000_000).toFixed(2)} million`
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3)
}

/** Pads columns: the first to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column === 0
        ? cell.padEnd(width)
        : column % 2 === 1
          ? cell.padStart(width)
          : cell.padEnd(width)
    })
    return `  ${cells.join('  ').trimEnd()}`
  })
}
