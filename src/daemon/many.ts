import { isDeepStrictEqual } from 'node:util'
import type { Site } from '../config.ts'
import type { Layout, Listed } from '../config-projects.ts'
import type { Desk } from '../control/desk.ts'
import type { Overview } from '../control/overview.ts'
import type { SessionLog } from '../log/session.ts'
import type { Answer } from '../project/orders.ts'
import { selfStatus } from '../self/status.ts'
import { within } from '../system/clock.ts'
import { packageOf } from '../system/package.ts'
import { words } from '../words.ts'
import { projectWords } from '../words-projects.ts'
import { lockFolder, makeOwnFolder } from './ground.ts'
import type { Begun, Household } from './household.ts'
import { type Member, openMember } from './member.ts'
import type { Shared } from './project.ts'
import { putInForce, readAgain } from './reload.ts'

type Parent = Extract<Layout, { is: 'many' }>

/** Begins a daemon of many projects, in their parent's directory. Throws when another one runs there. */
export async function beginMany(layout: Parent, { paths }: Site): Promise<Begun> {
  makeOwnFolder(paths)
  const lock = await lockFolder(paths)
  const { directory } = layout
  const projects = layout.projects.map(({ name }) => name)
  return {
    lock,
    hello: projectWords.hello({ ...packageOf(), directory, projects, node: process.versions.node }),
    atFirst: '',
    household: (log, shutdown, shared) => household(layout, log, shutdown, shared),
  }
}

/** Each project is opened for itself; none is waited for, and none can end another. */
function household(
  layout: Parent,
  log: SessionLog,
  shutdown: AbortSignal,
  shared: Shared,
): Household {
  const { directory, config } = layout
  const retryMs = () => config.daemon.projectRetryMs
  const members = new Map<string, Member>()
  /** One reload after the other. */
  let last: Promise<unknown> = Promise.resolve()
  const sorted = () =>
    [...members.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))

  function add(listed: Listed): void {
    if (shutdown.aborted) return
    const parental = { directory, retryMs, reload, shared }
    members.set(listed.name, openMember(listed, log.of(listed.name), parental))
  }

  async function remove(member: Member): Promise<void> {
    await member.close()
    members.delete(member.name)
  }

  function reload(): Promise<Answer> {
    const done = last.then(readIn)
    last = done.catch(() => undefined)
    return done
  }

  async function readIn(): Promise<Answer> {
    const next = await readAgain('many', directory, log)
    if ('refused' in next) return { is: 'refused', why: next.refused }
    const ofDaemon = putInForce(next.config, config)
    const gone = sorted().filter(({ listed }) => !next.projects.some((one) => isSame(one, listed)))
    await Promise.all(gone.map(remove))
    const lines = [
      ...(ofDaemon === null ? [] : [ofDaemon]),
      ...gone.map(({ name }) => projectWords.closed(name)),
      ...next.projects.flatMap(takeIn),
    ]
    tellLeftOut(next.leftOut)
    shared.selfUpdate.wake()
    const text = lines.join('\n') || words.reloaded([], [])
    log.info(text)
    return { is: 'done', text: [text, ...next.leftOut].join('\n') }
  }

  /** What has changed about one that is listed. */
  function takeIn(listed: Listed): string[] {
    const known = members.get(listed.name)
    if (known === undefined) {
      add(listed)
      return [projectWords.opened(listed.name)]
    }
    const text = putInForce(listed.config, known.listed.config)
    known.wake()
    return text === null ? [] : [`${listed.name}: ${text}`]
  }

  function tellLeftOut(leftOut: readonly string[]): void {
    for (const text of leftOut) log.warn(text)
  }

  const desk: Desk = async (wish, name) => {
    if (name !== null) {
      const member = members.get(name)
      return (
        member?.ask(wish) ?? {
          is: 'unknown',
          why: projectWords.noProject(name, [...members.keys()]),
        }
      )
    }
    switch (wish.is) {
      case 'status': {
        const all = await Promise.all(
          sorted().map(async (one) => [one.name, await one.status()] as const),
        )
        const projects = Object.fromEntries(all)
        const { daemon, selfUpdate: self, clock } = shared
        const selfUpdate = selfStatus(self.state(), config.selfUpdate, clock)
        const value: Overview = { directory, daemon: daemon(), selfUpdate, projects }
        return { is: 'told', value }
      }
      case 'projects':
        return { is: 'told', value: sorted().map((one) => one.summary()) }
      case 'reload':
        return reload()
      case 'self-update':
        return shared.selfUpdate.byHand(wish.asked)
      default:
        return {
          is: 'refused',
          why: projectWords.whichOne(wish.is),
          hint: projectWords.whichHint(wish.is),
        }
    }
  }

  return {
    open: async () => undefined,
    desk,
    reload,
    readings: () => sorted().map((one) => one.reading()),
    runs: () =>
      sorted()
        .map((one) => `${one.name}: ${one.runs()}`)
        .join('\n'),
    statusLine: () => projectWords.standing(sorted().map((one) => one.summary())),
    isReady: () => sorted().every((one) => one.isAttempted()),
    async run() {
      tellLeftOut(layout.leftOut)
      for (const listed of layout.projects) add(listed)
      await within(new Promise<never>(() => undefined), shutdown)
      await Promise.all(sorted().map((member) => member.close()))
      await last
    },
  }
}

/** True for the same project at the same place: its settings can be changed while it runs. */
function isSame(one: Listed, other: Listed): boolean {
  const placeOf = ({ name, directory, config }: Listed) => ({ name, directory, ...config.folders })
  return isDeepStrictEqual(placeOf(one), placeOf(other))
}
