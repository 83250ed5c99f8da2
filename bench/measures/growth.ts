import { copyTimer } from '../copy.ts'
import { exponentOf, type Figure, rowsAgainst, spreadOf, type Values } from '../figure.ts'
import type { Bench, Curve, Measure } from '../measure.ts'
import type { Tree } from '../peer.ts'
import { floor } from '../peers/floor.ts'
import { nodemon } from '../peers/nodemon.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { copied, programOf, unusedModules } from '../program.ts'
import { nameOf, openPosts, takeTurns } from '../rounds.ts'
import { lostRemarks, type Swapped, swapIn } from '../swap.ts'

/** From this many files on, what each file costs shows; below, what every swap costs hides it. */
const growsFrom = 100

/** How the cost of a swap grows with the number of files that it replaces. */
export const growth: Measure = {
  name: 'growth',
  about: 'cost over the number of Python files that a swap replaces, as a plot',
  async run(bench) {
    const sizes: Size[] = []
    for (const files of bench.size.growth) sizes.push(await measureSize(files, bench))
    const curves = lines.map(({ name, values }) =>
      curveOf(
        name,
        sizes.map((size) => ({ files: size.files, values: values(size) })),
      ),
    )
    return {
      remarks: [...new Set(sizes.flatMap(({ remarks }) => remarks))],
      figures: sizes.map(figureOf),
      curves,
    }
  },
}

type Size = {
  readonly files: number
  readonly answers: ReadonlyMap<string, readonly Swapped[]>
  readonly copies: readonly number[]
  readonly remarks: readonly string[]
}

async function measureSize(files: number, bench: Bench): Promise<Size> {
  const peers = [floor, otaSupervisor, nodemon].filter((peer) => bench.peers.includes(peer))
  const { posts, remarks, close } = await openPosts(bench, peers, () => treeOf(1, files))
  const copy = await copyTimer(await treeOf(1, files), bench.stage)
  const copies: number[] = []
  const turn = async (post: (typeof posts)[number], round: number) => {
    if (post === posts[0]) copies.push(await copy())
    const tree = await treeOf(round + 2, files)
    return swapIn(round + 2, tree, copied, post.running, post.reports)
  }
  const rounds = Math.ceil(bench.size.rounds / 2)
  const answers = await takeTurns(bench, rounds, posts, nameOf, turn)
  await close()
  return { files, answers, copies, remarks: [...remarks, ...lostRemarks(answers)] }
}

/** `main.py` is one of the files, and the last of them. */
async function treeOf(version: number, files: number): Promise<Tree> {
  const others = await unusedModules(files - 1, version)
  return new Map([...others, ...(await programOf(version))])
}

/** What is drawn: a party and what of its swaps. */
const lines: readonly {
  readonly name: string
  readonly values: (size: Size) => Values
}[] = [
  line('ota-supervisor: downtime', otaSupervisor.name, 'downMs'),
  line('ota-supervisor: upload to running', otaSupervisor.name, 'afterUploadMs'),
  line('nodemon: downtime', nodemon.name, 'downMs'),
  line('floor: downtime', floor.name, 'downMs'),
  { name: 'cp -r of the files', values: ({ copies }) => copies },
]

function line(name: string, who: string, part: 'downMs' | 'afterUploadMs') {
  return {
    name,
    values: ({ answers }: Size) =>
      (answers.get(who) ?? []).map((swapped) =>
        swapped.is === 'done' ? swapped.swap[part] : null,
      ),
  }
}

/**
 * The line of one party through its sizes: a point where it had a cost. Who lost its rounds had none,
 * and zero has no place on a logarithmic axis.
 */
export function curveOf(
  name: string,
  costs: readonly { readonly files: number; readonly values: Values }[],
): Curve {
  const points = costs.flatMap(({ files, values }) => {
    const spread = spreadOf(values)
    return spread === null || spread.low <= 0 ? [] : [{ files, ...spread }]
  })
  const grown = points.filter(({ files }) => files >= growsFrom)
  const exponent = exponentOf(
    (grown.length > 1 ? grown : points).map(({ files, median }) => ({ x: files, y: median })),
  )
  return { name, points, exponent }
}

function figureOf(size: Size): Figure {
  const values = new Map(lines.map(({ name, values: of }) => [name, of(size)]))
  const base = 'floor: downtime'
  return {
    title: `swap of ${size.files.toLocaleString('en')} Python ${size.files === 1 ? 'file' : 'files'}`,
    unit: 'ms',
    against: base,
    rows: rowsAgainst(values, base).filter(({ values: own }) => own.length > 0),
    aim: null,
  }
}
