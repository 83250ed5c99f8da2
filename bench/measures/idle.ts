import { setTimeout as sleep } from 'node:timers/promises'
import { rowOf, type Values, valueAim } from '../figure.ts'
import type { Measure } from '../measure.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { processorMs, residentMib } from '../processes.ts'
import { copied, programOf } from '../program.ts'
import { nameOf, openPosts, takeTurns } from '../rounds.ts'
import type { Post } from '../stage.ts'
import { lostRemarks, swapIn } from '../swap.ts'

/** Time for what a swap brings to be over (a trial takes 10 s), and for memory to be given back. */
const calmMs = 15_000

/** What each costs while nothing happens; all of them at the same time. */
export const idle: Measure = {
  name: 'idle',
  about: 'processor and memory while nothing happens',
  async run(bench) {
    const { rounds, idleMs } = bench.size
    const { posts, remarks, close } = await openPosts(bench, bench.peers, () => programOf(1), false)
    // A daemon that has never done its work would look better than it is.
    const files = await programOf(2)
    const swaps = await takeTurns(bench, 1, posts, nameOf, ({ running, reports }) =>
      swapIn(2, files, copied, running, reports),
    )
    await sleep(calmMs)
    const looks: ReadonlyMap<Post, Look>[] = []
    for (let round = 0; round < rounds; round += 1) {
      bench.progress(`idle for ${Math.round((idleMs * (rounds - round)) / 1000 / rounds)} s`)
      looks.push(await watchIdle(posts, idleMs / rounds))
    }
    await close()
    const rows = (pick: (look: Look) => number) =>
      posts.map((post) => ({ who: nameOf(post), values: valuesOf(post, looks, pick), base: null }))
    const memory = rows(({ mib }) => mib)
    const processor = rows(({ percent }) => percent)
    return {
      remarks: [...remarks, ...lostRemarks(swaps)],
      figures: [
        {
          title: `idle: processor time of one core, over ${idleMs / 1000} s`,
          unit: '%',
          against: null,
          rows: processor,
          aim: valueAim(rowOf(processor, otaSupervisor.name), 0.05, 'ota-supervisor 0.0 %'),
        },
        {
          title: 'idle: resident memory of all processes but the program',
          unit: 'MiB',
          against: null,
          rows: memory,
          aim: valueAim(rowOf(memory, otaSupervisor.name), 70, 'ota-supervisor ≤ 70 MiB'),
        },
      ],
    }
  },
}

type Look = { readonly percent: number; readonly mib: number }

async function watchIdle(posts: readonly Post[], ms: number): Promise<ReadonlyMap<Post, Look>> {
  const before = new Map(posts.map((post) => [post, processorMs(post.processes())]))
  await sleep(ms)
  return new Map(
    posts.map((post) => {
      const used = processorMs(post.processes()) - (before.get(post) ?? 0)
      return [post, { percent: (used / ms) * 100, mib: residentMib(post.processes()) }]
    }),
  )
}

function valuesOf(
  post: Post,
  looks: readonly ReadonlyMap<Post, Look>[],
  pick: (look: Look) => number,
): Values {
  return looks.map((look) => {
    const found = look.get(post)
    return found === undefined ? null : pick(found)
  })
}
