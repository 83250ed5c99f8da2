import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Figure, ratioOf, spreadOf } from './figure.ts'
import type { Machine } from './machine.ts'
import type { Curve, Size } from './measure.ts'
import type { Peer, Presence } from './peer.ts'
import { plotOf } from './plot.ts'
import { tableOf } from './table.ts'

/** Everything one run has found out. */
export type Results = {
  /** When it began, in ISO 8601. */
  readonly at: string
  /** The commit that was measured; null outside of a git clone. */
  readonly commit: string | null
  readonly machine: Machine
  readonly minutes: number
  readonly size: Size
  readonly peers: readonly { readonly peer: Peer; readonly presence: Presence }[]
  readonly figures: readonly Figure[]
  readonly curves: readonly Curve[]
  readonly remarks: readonly string[]
}

/** Between these lines of the README the last full run is shown. */
const [begin, end] = ['<!-- results: written by a full run -->', '<!-- end of the results -->']

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../bench/${name}`, import.meta.url))
}

/**
 * Writes the results. Those of a full run become `results.json`, `growth.svg` and a part of the README,
 * which belong together and are kept in git. Any other run goes to `results-partial.json` and
 * `growth-partial.svg`, which are not. The answer is the names of the files.
 */
export async function writeResults(results: Results, isFull: boolean): Promise<readonly string[]> {
  const suffix = isFull ? '' : '-partial'
  const written = [`results${suffix}.json`]
  await replace(`results${suffix}.json`, `${JSON.stringify(forJson(results), null, 1)}\n`)
  if (results.curves.length > 0) {
    written.push(`growth${suffix}.svg`)
    await replace(`growth${suffix}.svg`, plotOf(results.curves))
  }
  if (isFull) {
    written.push('README.md')
    const readme = await readFile(pathOf('README.md'), 'utf8')
    const [before = '', rest = ''] = readme.split(begin)
    const after = rest.split(end)[1] ?? ''
    await replace('README.md', `${before}${begin}\n\n${shownIn(results)}\n\n${end}${after}`)
  }
  return written.map((name) => `bench/${name}`)
}

/** What was measured, where and with whom; a party that is missing is named. */
export function headOf(
  about: Pick<Results, 'at' | 'commit' | 'machine' | 'size' | 'peers'>,
): string {
  const { at, commit, machine, size, peers } = about
  const there = peers.flatMap(({ peer, presence }) =>
    presence.is === 'there' ? [`${peer.name} ${presence.version}`] : [],
  )
  const missing = peers.flatMap(({ peer, presence }) =>
    presence.is === 'missing'
      ? [`MISSING: ${peer.name} takes no part. To have it: ${presence.how}`]
      : [],
  )
  return [
    `${at.slice(0, 16).replace('T', ' ')} UTC, commit ${commit ?? 'unknown'}, ${size.rounds} rounds`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.fileSystem}`,
    `${machine.system}, Linux ${machine.kernel}, Node ${machine.node}, Python ${machine.python}`,
    `load average in the minute before it began: ${machine.loadBefore.toFixed(1)}`,
    `parties: ${there.join(', ')}`,
    ...missing,
  ].join('\n')
}

function shownIn(results: Results): string {
  const { figures, remarks, minutes } = results
  const parts = [
    headOf(results),
    ...figures.map(tableOf),
    ...remarks.map((text) => `note: ${text}`),
  ]
  return `![cost of a swap over the number of files](growth.svg)\n\n\`\`\`text\n${parts.join('\n\n')}\n\n${minutes} minutes in all\n\`\`\``
}

function forJson({ peers, figures, ...rest }: Results): unknown {
  return {
    ...rest,
    peers: peers.map(({ peer, presence }) => ({ name: peer.name, way: peer.way, ...presence })),
    figures: figures.map((figure) => ({
      ...figure,
      rows: figure.rows.map((row) => ({
        who: row.who,
        values: row.values,
        spread: spreadOf(row.values),
        ratio: ratioOf(row),
      })),
    })),
  }
}

async function replace(name: string, text: string): Promise<void> {
  const path = pathOf(name)
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}
