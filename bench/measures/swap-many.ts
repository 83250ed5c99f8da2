import { type Figure, ratioAim, rowOf, rowsAgainst, type Values } from '../figure.ts'
import type { Measure } from '../measure.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { programOf, sent } from '../program.ts'
import { nameOf, openPosts, takeTurns, valuesOf } from '../rounds.ts'
import { lostRemarks, partOf, swapIn } from '../swap.ts'

/** All modules of a large program replaced, at the pace of an upload over a network. */
export const swapMany: Measure = {
  name: 'swap-many',
  about: 'a new version of a program of many modules, all replaced',
  async run(bench) {
    const { modules, rounds } = bench.size
    const { posts, remarks, close } = await openPosts(bench, bench.peers, () =>
      programOf(1, modules),
    )
    const answers = await takeTurns(
      bench,
      rounds,
      posts,
      nameOf,
      async ({ running, reports }, round) => {
        const version = round + 2
        return swapIn(version, await programOf(version, modules), sent, running, reports)
      },
    )
    await close()
    const gap = rowsAgainst(valuesOf(answers, partOf('lastGapMs')), 'nodemon')
    const mixed = rowsAgainst(
      valuesOf(answers, ({ mixed }) => mixed),
      null,
    )
    const own = rowOf(mixed, otaSupervisor.name)
    return {
      remarks: [...remarks, ...lostRemarks(answers)],
      figures: [
        {
          title: `${modules} modules: the last downtime of a swap, which brought the new version`,
          unit: 'ms',
          against: 'nodemon',
          rows: gap,
          aim: ratioAim(
            rowOf(gap, otaSupervisor.name),
            0.5,
            'ota-supervisor at most 0.5 × nodemon',
          ),
        },
        figure(
          `${modules} modules: all downtimes of a swap together`,
          'ms',
          rowsAgainst(valuesOf(answers, partOf('downMs')), 'floor'),
        ),
        figure(
          `${modules} modules: end of the upload → the new version has imported them all`,
          'ms',
          rowsAgainst(valuesOf(answers, partOf('afterUploadMs')), 'floor'),
        ),
        figure(
          `${modules} modules: starts of the program for one swap`,
          'starts',
          rowsAgainst(
            valuesOf(answers, ({ starts }) => starts),
            null,
          ),
        ),
        {
          title: `${modules} modules: starts of one swap that saw a mixture of old and new modules, or half a one`,
          unit: 'starts',
          against: null,
          rows: mixed,
          aim: { text: 'ota-supervisor none, ever', isMet: areAllZero(own?.values) },
        },
      ],
    }
  },
}

function figure(title: string, unit: string, rows: Figure['rows']): Figure {
  return {
    title,
    unit,
    against: rows.some(({ base }) => base !== null) ? 'floor' : null,
    rows,
    aim: null,
  }
}

function areAllZero(values: Values | undefined): boolean | null {
  return values === undefined || values.length === 0 ? null : values.every((value) => value === 0)
}
