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

/** A peer that has lost so many, one after the other, takes none any more. */
const manyLost = 10

/** Memory, descriptors and disk after so many swaps. */
type Remains = {
  readonly mib: number
  readonly descriptors: number
  readonly files: number
  readonly kib: number
}

/** `lost`: it took no more swaps after so many. */
type Outcome = { readonly remains: Remains } | { readonly lost: number }

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
    const able = posts.filter((post) => remainsOf(before, post) !== null)
    const after = await swapAll(able, Math.ceil(swaps / 10), swaps, bench)
    await close()
    const what = `after ${swaps.toLocaleString('en')} swaps, against ${Math.ceil(swaps / 10)}`
    const figure = (title: string, unit: string, pick: (remains: Remains) => number): Figure => ({
      title: `${what}: ${title}`,
      unit,
      against: `itself after ${Math.ceil(swaps / 10)}`,
      rows: posts.map((post): Row => {
        const [now, then] = [remainsOf(after, post), remainsOf(before, post)]
        return {
          who: nameOf(post),
          values: [now === null ? null : pick(now)],
          base: [then === null ? null : pick(then)],
        }
      }),
      aim: null,
    })
    return {
      remarks: [...remarks, ...remarksOf(before), ...remarksOf(after)],
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
): Promise<ReadonlyMap<Post, Outcome>> {
  const all = posts.map(async (post): Promise<readonly [Post, Outcome]> => {
    let lost = 0
    for (let swap = from; swap < to; swap += 1) {
      lost = (await swapOnce(post, swap + 2)) ? 0 : lost + 1
      if (lost === manyLost) return [post, { lost: swap + 1 - lost }]
      if (swap % 10 === 9)
        bench.progress(`${nameOf(post)}: ${swap + 1} of ${bench.size.swaps} swaps`)
    }
    await post.running.rest()
    await post.reports.quiet(2_000)
    return [post, { remains: await look(post) }]
  })
  return new Map(await Promise.all(all))
}

function remainsOf(outcomes: ReadonlyMap<Post, Outcome>, post: Post): Remains | null {
  const outcome = outcomes.get(post)
  return outcome !== undefined && 'remains' in outcome ? outcome.remains : null
}

function remarksOf(outcomes: ReadonlyMap<Post, Outcome>): string[] {
  return [...outcomes].flatMap(([post, outcome]) =>
    'lost' in outcome
      ? [`${nameOf(post)} took no new version any more after ${outcome.lost} swaps`]
      : [],
  )
}

/** False when the new version was not started in time. */
async function swapOnce({ running, reports }: Post, version: number): Promise<boolean> {
  await running.rest()
  await running.swap(await programOf(version), copied)
  return reports.until((all) => {
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
