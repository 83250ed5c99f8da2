import { rowsAgainst, type Values } from '../figure.ts'
import type { Measure } from '../measure.ts'
import { programOf } from '../program.ts'
import { takeTurns } from '../rounds.ts'

/** From asking the peer to begin to the first statement of the program. */
export const start: Measure = {
  name: 'start',
  about: 'the start of the daemon itself',
  async run(bench) {
    const files = await programOf(1)
    const answers = await takeTurns(
      bench,
      bench.size.rounds,
      bench.peers,
      ({ name }) => name,
      async (peer) => {
        const post = await bench.stage.open(peer, files, false)
        const first = post.reports.all().find(({ what }) => what === 'start')
        const askedAt = post.running.askedAt
        await post.close()
        return first === undefined ? null : first.at - askedAt
      },
    )
    const values: ReadonlyMap<string, Values> = answers
    return {
      remarks: [],
      figures: [
        {
          title: 'start of the peer → first statement of the program',
          unit: 'ms',
          against: 'floor',
          rows: rowsAgainst(values, 'floor'),
          aim: null,
        },
      ],
    }
  },
}
