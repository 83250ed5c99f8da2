import { type Figure, type Row, ratioAim } from '../figure.ts'
import type { Bench, Findings, Measure } from '../measure.ts'
import type { Peer } from '../peer.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { copied, dataFiles, programOf } from '../program.ts'
import { openPosts, takeTurns, valuesOf } from '../rounds.ts'
import { lostRemarks, partOf, type Swap, type Swapped, swapIn } from '../swap.ts'

/** One file swapped among very many others, against the same peer's swap with nothing else there. */
export const swapAmong: Measure = {
  name: 'swap-among',
  about: 'a program of one file with very many data files beside it',
  async run(bench): Promise<Findings> {
    const { crowd } = bench.size
    const remarks: string[] = []
    const answers = new Map<string, readonly Swapped[]>()
    // One peer after the other: some take a watch of the kernel for each file, and there are not so many.
    for (const peer of bench.peers) {
      const pair = await swapBoth(peer, bench)
      remarks.push(...pair.remarks)
      for (const [party, swaps] of pair.answers) answers.set(party, swaps)
    }
    const what = `one file among ${crowd.toLocaleString('en')}`
    const down = rowsOf(answers, 'downMs')
    const own = down.find(({ who }) => who === otaSupervisor.name)
    const against = 'itself with 1 file'
    return {
      remarks: [...remarks, ...lostRemarks(answers)],
      figures: [
        {
          title: `${what}: downtime`,
          unit: 'ms',
          against,
          rows: down,
          aim: ratioAim(own, 1.1, 'ota-supervisor at most 1.1 × itself with 1 file'),
        },
        afterUpload(what, against, answers),
      ],
    }
  },
}

/** Swaps in a program that is alone and in one among many files, turn by turn. */
async function swapBoth(peer: Peer, bench: Bench) {
  const { crowd, rounds } = bench.size
  const alone = await openPosts(bench, [peer], () => programOf(1))
  const among = await openPosts(bench, [peer], async () => {
    return new Map([...dataFiles(crowd, 'data', 1), ...(await programOf(1))])
  })
  const parties = [
    ...alone.posts.map((post) => ({ post, is: 'alone' })),
    ...among.posts.map((post) => ({ post, is: 'among' })),
  ]
  const answers = await takeTurns(
    bench,
    Math.ceil(rounds / 2),
    parties,
    ({ is }) => `${peer.name}, ${is}`,
    async ({ post }, round) => {
      const version = round + 2
      return swapIn(version, await programOf(version), copied, post.running, post.reports)
    },
  )
  await alone.close()
  await among.close()
  return { answers, remarks: [...alone.remarks, ...among.remarks] }
}

function afterUpload(what: string, against: string, answers: Answers): Figure {
  return {
    title: `${what}: end of the upload → first statement of the new version`,
    unit: 'ms',
    against,
    rows: rowsOf(answers, 'afterUploadMs'),
    aim: null,
  }
}

type Answers = ReadonlyMap<string, readonly Swapped[]>

/** Each party among many files, compared with itself alone. */
function rowsOf(answers: Answers, name: keyof Swap): Row[] {
  const values = valuesOf(answers, partOf(name))
  return [...values].flatMap(([party, own]) => {
    const [who = '', is] = party.split(', ')
    return is === 'among' ? [{ who, values: own, base: values.get(`${who}, alone`) ?? null }] : []
  })
}
