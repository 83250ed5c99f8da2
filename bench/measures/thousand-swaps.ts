import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure, Row } from '../figure.ts'
import type { Bench, Measure } from '../measure.ts'
import { openDescriptors, residentMib } from '../processes.ts'
import { copied, programOf } from '../program.ts'
import { nameOf, openPosts } from '../rounds.ts'
import type { Post } from '../stage.ts'

/** A peer that has not started the new version by then has lost it; the next one follows. */
const limitMs = 10_000

/** Memory, descriptors and disk after so many swaps. */
type Remains = {
  readonly mib: number
  readonly descriptors: number
  readonly files: number
  readonly kib: number
}

/**
 * What many swaps leave behind. All parties swap at the same time: it is not time that is measured.
 * The first tenth is a warm-up; what grows is what the rest adds.
 */
export const thousandSwaps: Measure = {
  name: 'thousand-swaps',
  about: 'what many swaps of a program of one file leave behind',
  async run(bench) {
    const { swaps } = bench.size
    const { posts, remarks, close } = await openPosts(bench, bench.peers, () => programOf(1))
    const before = await swapAll(posts, 0, Math.ceil(swaps / 10), bench)
    const after = await swapAll(posts, Math.ceil(swaps / 10), swaps, bench)
    await close()
    const what = `after ${swaps.toLocaleString('en')} swaps, against ${Math.ceil(swaps / 10)}`
    const figure = (title: string, unit: string, pick: (remains: Remains) => number): Figure => ({
      title: `${what}: ${title}`,
      unit,
      against: `itself after ${Math.ceil(swaps / 10)}`,
      rows: posts.map((post): Row => {
        const [now, then] = [after.get(post), before.get(post)]
        return {
          who: nameOf(post),
          values: [now === undefined ? null : pick(now)],
          base: [then === undefined ? null : pick(then)],
        }
      }),
      aim: null,
    })
    return {
      remarks,
      figures: [
        figure('resident memory', 'MiB', ({ mib }) => mib),
        figure('open descriptors', 'open', ({ descriptors }) => descriptors),
        figure('files outside of main/, logs with them', 'files', ({ files }) => files),
        figure('disk outside of main/, logs with them', 'KiB', ({ kib }) => kib),
      ],
    }
  },
}

/** Takes all posts from one number of swaps to another, side by side, and looks at them afterwards. */
async function swapAll(
  posts: readonly Post[],
  from: number,
  to: number,
  bench: Bench,
): Promise<ReadonlyMap<Post, Remains>> {
  const all = posts.map(async (post) => {
    for (let swap = from; swap < to; swap += 1) {
      await swapOnce(post, swap + 2)
      if (swap % 10 === 9)
        bench.progress(`${nameOf(post)}: ${swap + 1} of ${bench.size.swaps} swaps`)
    }
    await post.running.rest()
    await post.reports.quiet(2_000)
    return [post, await look(post)] as const
  })
  return new Map(await Promise.all(all))
}

async function swapOnce({ running, reports }: Post, version: number): Promise<void> {
  await running.rest()
  await running.swap(await programOf(version), copied)
  await reports.until((all) => {
    const last = all.at(-1)
    return last?.what === 'ready' && last.versions[0] === version
  }, limitMs)
}

async function look(post: Post): Promise<Remains> {
  const own = post.processes()
  const skipped = [post.place.main, join(post.place.dir, 'reports')]
  const { files, bytes } = await sizeOf(post.place.dir, skipped)
  return {
    mib: residentMib(own),
    descriptors: openDescriptors(own),
    files,
    kib: bytes / 1024,
  }
}

async function sizeOf(
  dir: string,
  skipped: readonly string[],
): Promise<{ readonly files: number; readonly bytes: number }> {
  let files = 0
  let bytes = 0
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    if (skipped.includes(path)) continue
    const stat = await lstat(path)
    const below = stat.isDirectory() ? await sizeOf(path, skipped) : { files: 0, bytes: 0 }
    files += 1 + below.files
    bytes += stat.size + below.bytes
  }
  return { files, bytes }
}
