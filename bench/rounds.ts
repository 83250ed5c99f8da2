import { messageOf } from '../src/errors.ts'
import type { Values } from './figure.ts'
import { outputOf } from './launch.ts'
import type { Bench } from './measure.ts'
import type { Peer, Tree } from './peer.ts'
import type { Post } from './stage.ts'

/** The peers that were started, and what is to be said of those that were not. */
export type Posts = {
  readonly posts: readonly Post[]
  readonly remarks: string[]
  readonly close: () => Promise<void>
}

/** Starts peers, each with the same program, for many swaps or for one. One that does not start is left out. */
export async function openPosts(
  bench: Bench,
  peers: readonly Peer[],
  files: () => Promise<Tree>,
  isHurried = true,
): Promise<Posts> {
  const posts: Post[] = []
  const remarks: string[] = []
  for (const peer of peers) {
    bench.progress(`starting ${peer.name}`)
    try {
      posts.push(await bench.stage.open(peer, await files(), isHurried))
    } catch (error) {
      remarks.push(`${peer.name} takes no part: ${messageOf(error)}`)
    }
  }
  // What was written to make them ready is not part of the first swap.
  await outputOf('sync', [])
  return {
    posts,
    remarks,
    async close() {
      for (const post of posts) await post.close()
    },
  }
}

/**
 * Turn by turn: each party once, then each once more, and so on. What the machine does besides falls on
 * all alike. The answers of each party, by its name, in the order of the rounds.
 */
export async function takeTurns<Party, Answer>(
  bench: Bench,
  rounds: number,
  parties: readonly Party[],
  nameOf: (party: Party) => string,
  turn: (party: Party, round: number) => Promise<Answer>,
): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const answers = new Map<string, Answer[]>(parties.map((party) => [nameOf(party), []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const party of parties) {
      bench.progress(`round ${round + 1} of ${rounds}: ${nameOf(party)}`)
      answers.get(nameOf(party))?.push(await turn(party, round))
    }
  }
  return answers
}

/** One number of each answer, by party. */
export function valuesOf<Answer>(
  answers: ReadonlyMap<string, readonly Answer[]>,
  pick: (answer: Answer) => number | null,
): ReadonlyMap<string, Values> {
  return new Map([...answers].map(([who, all]) => [who, all.map(pick)]))
}

/** The name of the peer at a post. */
export function nameOf({ peer }: Post): string {
  return peer.name
}
