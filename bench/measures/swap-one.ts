import { defaults } from '../../src/config.ts'
import { ratioAim, rowOf, rowsAgainst, valueAim } from '../figure.ts'
import { recordTimer } from '../limits.ts'
import type { Measure } from '../measure.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { copied, programOf } from '../program.ts'
import { nameOf, openPosts, takeTurns, valuesOf } from '../rounds.ts'
import { lostRemarks, partOf, swapIn } from '../swap.ts'

const { quietMs } = defaults.deposit

/**
 * Before the program is stopped a release is claimed, staged and planned, and each of these steps is durable before
 * the next: `claiming`, the files, `claimed`, the plan, `applying`.
 */
const durableSteps = 5

/** A new `main.py` for a program of one file. */
export const swapOne: Measure = {
  name: 'swap-one',
  about: 'a new version of a program of one file',
  async run(bench) {
    const { posts, remarks, close } = await openPosts(bench, bench.peers, () => programOf(1))
    const write = await recordTimer(durableSteps, bench.stage)
    const writing: number[] = []
    const answers = await takeTurns(
      bench,
      bench.size.rounds,
      posts,
      nameOf,
      async (post, round) => {
        if (post === posts[0]) writing.push(write())
        const version = round + 2
        return swapIn(version, await programOf(version), copied, post.running, post.reports)
      },
    )
    await close()
    const down = rowsAgainst(valuesOf(answers, partOf('downMs')), 'floor')
    const after = rowsAgainst(valuesOf(answers, partOf('afterUploadMs')), 'floor')
    const own = rowOf(down, otaSupervisor.name)
    const ownAfter = rowOf(after, otaSupervisor.name)
    const late = {
      who: otaSupervisor.name,
      values: (ownAfter?.values ?? []).map((ms) => (ms === null ? null : ms - quietMs)),
      base: null,
    }
    const floorAfter = rowOf(after, 'floor')?.values ?? []
    const limit = {
      who: `floor + ${durableSteps} durable records`,
      values: floorAfter.map((ms, round) => (ms === null ? null : ms + (writing[round] ?? 0))),
      base: null,
    }
    return {
      remarks: [...remarks, ...lostRemarks(answers)],
      figures: [
        {
          title: 'one file: downtime (last statement of the old version → first of the new one)',
          unit: 'ms',
          against: 'floor',
          rows: down,
          aim: ratioAim(own, 1.15, 'ota-supervisor at most 1.15 × the floor'),
        },
        {
          title: 'one file: end of the upload → first statement of the new version',
          unit: 'ms',
          against: 'floor',
          rows: after,
          aim: null,
        },
        {
          title: `one file: the same, less the quiet period of ${quietMs} ms that is waited on purpose`,
          unit: 'ms',
          against: null,
          rows: [late, limit],
          aim: valueAim(late, 60, 'at most 60 ms'),
        },
      ],
    }
  },
}
