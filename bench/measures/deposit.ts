import { setTimeout as sleep } from 'node:timers/promises'
import { copyTimer } from '../copy.ts'
import { ratioAim, rowOf, rowsAgainst, type Values, valueAim } from '../figure.ts'
import { renameTimer } from '../limits.ts'
import type { Measure } from '../measure.ts'
import type { Tree } from '../peer.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { residentMib } from '../processes.ts'
import { copied, dataFiles, programOf } from '../program.ts'
import { nameOf, openPosts, takeTurns, valuesOf } from '../rounds.ts'
import type { Post } from '../stage.ts'
import { lostRemarks, partOf, type Swapped, swapIn } from '../swap.ts'

/** How long memory may take to be given back after a swap: Node does it after some ten seconds of rest. */
const calmMs = 30_000

/** Very many files in one deposit, all of which replace others. */
export const deposit: Measure = {
  name: 'deposit',
  about: 'very many data files in one upload, all of which replace others',
  async run(bench) {
    const files = bench.size.deposit
    const rounds = Math.ceil(bench.size.rounds / 2)
    const { posts, remarks, close } = await openPosts(bench, bench.peers, () => treeOf(1, files))
    const swap = async ({ running, reports }: Post, version: number) =>
      swapIn(version, await treeOf(version, files), copied, running, reports)

    // As many do not count: what is taken once and kept is not growth.
    await takeTurns(bench, rounds, posts, nameOf, (post, round) => swap(post, round + 2))
    await sleep(calmMs)
    const memory = new Map(posts.map((post) => [post, residentMib(post.processes())]))
    const copies: number[] = []
    const renames: number[] = []
    const copy = await copyTimer(await treeOf(1, files), bench.stage)
    const rename = await renameTimer(files, bench.stage)
    const answers = await takeTurns(bench, rounds, posts, nameOf, async (post, round) => {
      if (post === posts[0]) {
        copies.push(await copy())
        renames.push(await rename())
      }
      return swap(post, rounds + round + 2)
    })
    await sleep(calmMs)
    const growth = posts.map((post) => ({
      who: nameOf(post),
      values: [residentMib(post.processes()) - (memory.get(post) ?? 0)],
      base: null,
    }))
    await close()

    const what = `${files.toLocaleString('en')} files in one deposit`
    const down = rowsAgainst(withLimits(answers, copies, renames), 'cp -r')
    return {
      remarks: [...remarks, ...lostRemarks(answers)],
      figures: [
        {
          title: `${what}: all downtimes together (cp -r: the time it takes to copy them)`,
          unit: 'ms',
          against: 'cp -r',
          rows: down,
          aim: ratioAim(rowOf(down, otaSupervisor.name), 0.5, 'ota-supervisor ≤ 0.5 × cp -r'),
        },
        {
          title: `${what}: memory that ${rounds} more of them leave behind, after ${rounds}`,
          unit: 'MiB',
          against: null,
          rows: growth,
          aim: valueAim(
            rowOf(growth, otaSupervisor.name),
            5,
            'ota-supervisor ≤ 5 MiB, which is noise',
          ),
        },
      ],
    }
  },
}

/** The data first: who watches restarts at main.py, which comes last. */
async function treeOf(version: number, files: number): Promise<Tree> {
  return new Map([...dataFiles(files, 'data', version), ...(await programOf(version))])
}

/** With what the disk takes for a copy, and for the barest swap that keeps the old files. */
function withLimits(
  answers: ReadonlyMap<string, readonly Swapped[]>,
  copies: Values,
  renames: Values,
): ReadonlyMap<string, Values> {
  const limits: [string, Values][] = [
    ['cp -r', copies],
    ['two renames a file', renames],
  ]
  return new Map([...limits, ...valuesOf(answers, partOf('downMs'))])
}
