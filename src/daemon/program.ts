import type { Site } from '../config.ts'
import type { Clock, Log } from '../model.ts'
import { type Elsewhere, openAbsent, openElsewhere } from '../program/elsewhere.ts'
import { openProgram, type Program } from '../program/life.ts'
import type { Launch } from '../program/run.ts'
import type { Hooks } from '../project/hooks.ts'
import { forgetStop } from '../project/wanted.ts'
import type { Ending } from './ending.ts'

/** The program of a project, and the same once more where something else runs it. */
export type Run = { readonly program: Program; readonly elsewhere: Elsewhere | null }

const onlyUpdate = { is: 'STOPPED', why: 'only an update' } as const

/** Opens the program as the settings say. `isPass`: it is only an update, and the next daemon starts it. */
export async function openRun(
  launch: Launch,
  site: Site,
  tell: Hooks['tell'],
  isPass: boolean,
  {
    log,
    clock,
    ending,
  }: {
    readonly log: Log
    readonly clock: Clock
    readonly ending: Pick<Ending, 'shutdown' | 'hasten'>
  },
): Promise<Run> {
  const { afterUpdate } = site.config.program
  if (afterUpdate !== 'restart') {
    // It was said of a program that the daemon ran itself, and could not be taken back any more.
    await forgetStop(site)
    const elsewhere = openElsewhere(afterUpdate, launch, site, log, clock, ending.shutdown)
    return { program: elsewhere, elsewhere }
  }
  if (isPass) {
    return { program: openAbsent(() => onlyUpdate, clock), elsewhere: null }
  }
  const program = openProgram(launch, site, log, clock, ending.hasten, (id, exit) =>
    tell({ event: 'fatal', release: { id }, exit }),
  )
  return { program, elsewhere: null }
}
