import { type Figure, type Row, ratioAim } from '../figure.ts'
import type { Findings, Measure } from '../measure.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { copied, dataFiles, programOf } from '../program.ts'
import { openPosts, takeTurns, valuesOf } from '../rounds.ts'
import { lostRemarks, partOf, type Swap, type Swapped, swapIn } from '../swap.ts'

/** One file swapped among very many others, against the same peer's swap with nothing else there. */
export const swapAmong: Measure = {
  name: 'swap-among',
  about: 'a program of one file with very many data files beside it',
  async run(bench): Promise<Findings> {
    const { crowd, rounds } = bench.size
    const alone = await openPosts(bench, bench.peers, () => programOf(1))
    const among = await openPosts(bench, bench.peers, async () => {
      return new Map([...dataFiles(crowd, 'data', 1), ...(await programOf(1))])
    })
    const parties = among.posts.flatMap((post) => [
      ...alone.posts
        .filter(({ peer }) => peer === post.peer)
        .map((one) => ({ post: one, is: 'alone' })),
      { post, is: 'among' },
    ])
    const answers = await takeTurns(
      bench,
      Math.ceil(rounds / 2),
      parties,
      ({ post, is }) => `${post.peer.name}, ${is}`,
      async ({ post }, round) => {
        const version = round + 2
        return swapIn(version, await programOf(version), copied, post.running, post.reports)
      },
    )
    await alone.close()
    await among.close()
    const what = `one file among ${crowd.toLocaleString('en')}`
    const down = rowsOf(answers, 'downMs')
    const own = down.find(({ who }) => who === otaSupervisor.name)
    const against = 'itself with 1 file'
    return {
      remarks: [...alone.remarks, ...among.remarks, ...lostRemarks(answers)],
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
