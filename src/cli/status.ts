import {
  type GitStatus,
  type ScheduleStatus,
  type Status,
  statusFromDisk,
} from '../control/status.ts'
import { count, healthText, resultText, shown, size } from '../phrases.ts'
import type { SelfStatus } from '../self/status.ts'
import { words } from '../words.ts'
import { gitWords } from '../words-git.ts'
import { packageWords } from '../words-packages.ts'
import { selfWords } from '../words-self.ts'
import { verbWords } from '../words-verbs.ts'
import { askOrRead } from './ask.ts'
import { agoText, coloured, field, momentText, printAnswer } from './screen.ts'
import { siteIn } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/** `status`: how the project stands. Without a daemon it says what the disk tells, and exits with 3. */
export const verb: Verb = {
  help: `Usage: ota-supervisor status [-C DIR]

Shows the program, the release it runs, the deposit and the daemon. Exit code 3:
no daemon runs; what is shown is what the disk tells.
`,
  options: {},
  takes: { least: 0, most: 0 },
  async run(asked) {
    const site = await siteIn(asked.directory)
    const status = await askOrRead('status', site.paths, () => statusFromDisk(site))
    printAnswer(asked, status, statusText(status))
    return status.daemon === null ? exitCodes.notRunning : exitCodes.done
  },
}

/** The status for a narrow terminal. */
function statusText(status: Status): string {
  return [
    field('main.py', programLines(status)),
    field('release', releaseLines(status)),
    ...packagesFields(status),
    field('deposit', depositLines(status)),
    ...(status.git === null ? [] : [field('git', gitLines(status.git))]),
    ...(status.selfUpdate === null ? [] : [field('version', versionLines(status.selfUpdate))]),
    field('daemon', daemonLines(status)),
  ].join('\n')
}

function programLines({ program }: Status): string[] {
  const { state, pid, since, restarts, cause, lastExit, cpuPercent, rssBytes } = program
  const isUp = state === 'RUNNING' || state === 'STARTING'
  const isDown = program.wanted === 'down'
  const word = coloured(state, isUp ? 'green' : isDown || state === 'STOPPED' ? 'yellow' : 'red')
  const lines = [
    [word, pid && `pid ${pid}`, since && `for ${agoText(since)}`].filter(Boolean).join(', '),
  ]
  if (cpuPercent !== null && rssBytes !== null) lines.push(`${cpuPercent} % CPU, ${size(rssBytes)}`)
  const health = healthText(program.health)
  if (health !== null) lines.push(health)
  if (isDown) lines.push(words.keptDown)
  else if (cause !== null) lines.push(`started: ${cause.text}`)
  if (restarts > 0) lines.push(verbWords.restarts(restarts))
  if (lastExit !== null) lines.push(`last time it ${lastExit.text}`)
  return lines
}

function releaseLines({ release, underWay, last }: Status): string[] {
  const at = release.at === null ? '' : `, ${momentText(release.at)}`
  const lines = [
    release.result === null ? verbWords.noRelease : `${release.id} ${release.result}${at}`,
  ]
  for (const { id, stage, waitingFor } of underWay) {
    if (id !== release.id) lines.push(`${id} under way: ${stage}`)
    if (waitingFor !== null) lines.push(coloured(shown(waitingFor), 'red'))
  }
  if (last !== null && last.result !== 'committed') {
    const [why = ''] = last.why.split('\n')
    lines.push(`${coloured(`${last.id} ${resultText(last)}`, 'red')}: ${shown(why)}`)
  }
  return lines
}

/** Nothing for a program without packages. */
function packagesFields({ packages, release }: Status): string[] {
  if (packages === null) return []
  const { environment, isStandIn, installing } = packages
  const lines = [
    ...(environment === null ? [] : [shown(environment)]),
    ...(isStandIn ? [coloured(packageWords.isStandIn, 'red')] : []),
    ...(isStandIn && release.result === 'on-trial' ? [packageWords.trialIsWaiting] : []),
    ...(installing === null
      ? []
      : [
          packageWords.installingSince(installing.from, agoText(installing.since)),
          ...(installing.doing === '' ? [] : [shown(installing.doing)]),
        ]),
  ]
  return lines.length === 0 ? [] : [field('packages', lines)]
}

function depositLines({ deposit }: Status): string[] {
  const { files, waitingFor, guarantee } = deposit
  return [
    ...(files === 0 && waitingFor !== null ? [] : [files === 0 ? 'empty' : count(files, 'file')]),
    ...(waitingFor === null ? [] : waitingFor.text.split('\n')),
    ...(guarantee === null ? [] : [guarantee.text]),
  ]
}

function gitLines(git: GitStatus): string[] {
  const { remote, follows, isLooking, lookedAt, text, waitingFor, schedule } = git
  const next = isLooking ? gitWords.looking : nextLookText(git)
  return [
    [shown(remote), ...(follows === null ? [] : [shown(follows)])].join(' '),
    lookedAt === null ? next : `${gitWords.lookedAgo(agoText(lookedAt))}; ${next}`,
    ...(text === null ? [] : coloured(text, waitingFor === null ? 'dim' : 'yellow').split('\n')),
    ...(schedule === null ? [] : scheduleLines(schedule, text)),
  ]
}

function nextLookText({ nextAt, schedule }: GitStatus): string {
  if (nextAt !== null) return gitWords.nextLook(momentText(nextAt))
  return schedule?.waitingFor ?? gitWords.nextUnknown
}

/** What the last run found, unless the last look has found the same. */
function scheduleLines({ expression, lastRun }: ScheduleStatus, lookText: string | null): string[] {
  const run = lastRun === null ? gitWords.noRun : gitWords.lastRun(momentText(lastRun.at))
  const lines = [`${gitWords.schedule(shown(expression))}; ${run}`]
  const isNew = lastRun !== null && lastRun.text !== lookText
  return isNew ? [...lines, ...lastRun.text.split('\n')] : lines
}

function versionLines(self: SelfStatus): string[] {
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

function daemonLines({ daemon }: Status): string[] {
  if (daemon === null) return [coloured(verbWords.daemonDown, 'red')]
  const { version, pid, since, session } = daemon
  return [
    `${version}, pid ${pid}, for ${agoText(since)}`,
    ...(session === null ? [] : [`log ${session}`]),
  ]
}
