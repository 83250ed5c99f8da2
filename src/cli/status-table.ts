import type { NotOpen, Overview } from '../control/overview.ts'
import type { Status } from '../control/status.ts'
import { resultText, shown } from '../phrases.ts'
import type { SelfStatus } from '../self/status.ts'
import { words } from '../words.ts'
import { gitWords } from '../words-git.ts'
import { projectWords } from '../words-projects.ts'
import { selfWords } from '../words-self.ts'
import { verbWords } from '../words-verbs.ts'
import { agoText, coloured, field, momentText } from './screen.ts'

/** Many projects, a line for each and what is wrong with it below, for a narrow terminal. */
export function tableText(
  projects: readonly (readonly [string, Status | NotOpen])[],
  { daemon, selfUpdate }: Pick<Overview, 'daemon' | 'selfUpdate'>,
): string {
  const width = Math.max(8, ...projects.map(([name]) => name.length))
  const lines = projects.map(([name, status]) => {
    const [first = '', ...rest] = 'trouble' in status ? notOpenLines(status) : linesOf(status)
    return [`${name.padEnd(width)}  ${first}`, ...rest.map((line) => `  ${line}`)].join('\n')
  })
  const version = selfUpdate === null ? [] : [field('version', versionLines(selfUpdate))]
  return [...lines, '', ...version, field('daemon', daemonLines(daemon))].join('\n')
}

function notOpenLines({ trouble, hint }: NotOpen): string[] {
  return [
    coloured(projectWords.notOpenShort, 'red'),
    shown(trouble),
    ...(hint === undefined ? [] : [shown(hint)]),
  ]
}

function linesOf({ program, release, underWay, last, git }: Status): string[] {
  const result = release.result === null ? '' : ` ${release.result}`
  const since = program.since === null ? '' : agoText(program.since)
  const first = `${stateText(program, 8)} ${since.padEnd(7)} ${release.id}${result}`
  const isNews = last !== null && last.result !== 'committed'
  return [
    first.trimEnd(),
    ...(program.wanted === 'down' ? [words.keptDown] : []),
    ...underWay.flatMap(({ id, stage, waitingFor }) =>
      waitingFor !== null
        ? [coloured(shown(waitingFor), 'red')]
        : id === release.id
          ? []
          : [`${id} under way: ${stage}`],
    ),
    ...(isNews
      ? [`${coloured(`${last.id} ${resultText(last)}`, 'red')}: ${firstLine(last.why)}`]
      : []),
    ...(git === null || git.waitingFor === null
      ? []
      : [coloured(firstLine(git.waitingFor), 'yellow')]),
  ]
}

/** The state of the program in its colour, filled up to a width. */
export function stateText({ state, wanted }: Status['program'], width = 0): string {
  const isUp = state === 'RUNNING' || state === 'STARTING'
  const isMeant = wanted === 'down' || state === 'STOPPED' || state === 'ELSEWHERE'
  return coloured(state.padEnd(width), isUp ? 'green' : isMeant ? 'yellow' : 'red')
}

/** The lines about the version of ota-supervisor. */
export function versionLines(self: SelfStatus): string[] {
  const { mode, version, newest, isNewer, lookedAt, nextAt, waitingFor, lastFailed } = self
  const isTrial = self.onTrialSince !== null && self.previous !== null
  const looked = lookedAt === null ? [] : [gitWords.lookedAgo(agoText(lookedAt))]
  const next = nextAt === null ? [] : [gitWords.nextLook(momentText(nextAt))]
  const times = [...looked, ...next].join('; ')
  return [
    version,
    ...(isTrial ? [selfWords.trialSince(self.previous, agoText(self.onTrialSince))] : []),
    ...(isNewer && newest !== null ? [coloured(selfWords.newest(newest, mode), 'green')] : []),
    ...(waitingFor === null ? [] : coloured(waitingFor, 'yellow').split('\n')),
    ...(times === '' ? [] : [times]),
    ...(lastFailed === null
      ? []
      : [coloured(selfWords.failedAt(lastFailed, momentText(lastFailed.at)), 'red')]),
  ]
}

/** The lines about the daemon itself. */
export function daemonLines(daemon: Status['daemon']): string[] {
  if (daemon === null) return [coloured(verbWords.daemonDown, 'red')]
  const { version, pid, since, session } = daemon
  return [
    `${version}, pid ${pid}, for ${agoText(since)}`,
    ...(session === null ? [] : [`log ${session}`]),
  ]
}

/** The first line of a text; where that only announces what somebody said, with the beginning of it. */
function firstLine(text: string): string {
  const [first = '', second = ''] = text.split('\n')
  return shown(first.endsWith(':') ? `${first} ${second.trim()}`.trim() : first)
}
