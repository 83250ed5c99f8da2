import type { Door } from '../control/client.ts'
import type { DepositStatus } from '../control/deposit-status.ts'
import type { GitStatus, ScheduleStatus } from '../control/git-status.ts'
import type { NotOpen, Overview } from '../control/overview.ts'
import { type Status, statusFromDisk } from '../control/status.ts'
import { count, healthText, resultText, shown, size } from '../phrases.ts'
import { disk } from '../system/disk.ts'
import { words } from '../words.ts'
import { gitWords } from '../words-git.ts'
import { packageWords } from '../words-packages.ts'
import { projectWords } from '../words-projects.ts'
import { verbWords } from '../words-verbs.ts'
import { askOrRead } from './ask.ts'
import { agoText, coloured, field, momentText, printAnswer } from './screen.ts'
import { type Chosen, choose, type Place } from './site.ts'
import { daemonLines, stateText, tableText, versionLines } from './status-table.ts'
import { type Asked, exitCodes, names, type Verb } from './verb.ts'

/** `status`: how the project stands. Without a daemon it says what the disk tells, and exits with 3. */
export const verb: Verb = {
  help: `Usage: ota-supervisor status [NAME...] [-C DIR]

Shows the program, the release it runs, the deposit and the daemon. Exit code 3:
no daemon runs; what is shown is what the disk tells.

Of many projects a line for each, or for those that are named ('ga*' names
several); all there is to say of one that is named alone.
`,
  options: {},
  takes: names,
  async run(asked) {
    const chosen = await choose(asked)
    const [first] = chosen.places
    if (chosen.isMany || first === undefined) return overviewOf(chosen, asked)
    const { site, door } = first
    const status = await askOrRead('status', door, () => statusFromDisk(site))
    printAnswer(asked, status, statusText(status))
    return status.daemon === null ? exitCodes.notRunning : exitCodes.done
  },
}

async function overviewOf({ places, door }: Chosen, asked: Asked): Promise<number> {
  const all = await askOrRead('overview', door, () => overviewFromDisk(places, door))
  const wanted = places.flatMap(({ name }): [string, Status | NotOpen][] => {
    const found = name === null ? undefined : all.projects[name]
    return name === null || found === undefined ? [] : [[name, found]]
  })
  printAnswer(asked, { ...all, projects: Object.fromEntries(wanted) }, tableText(wanted, all))
  return all.daemon === null ? exitCodes.notRunning : exitCodes.done
}

async function overviewFromDisk(places: readonly Place[], door: Door): Promise<Overview> {
  const all = places.map(async ({ name, site }): Promise<[string, Status | NotOpen]> => {
    const { project } = site.paths
    const isThere = disk.kind(`${project}/.`) === 'dir'
    const trouble = projectWords.noDirectory(project)
    return [name ?? '', isThere ? await statusFromDisk(site) : { project, trouble }]
  })
  const projects = Object.fromEntries(await Promise.all(all))
  return { directory: door.project, daemon: null, selfUpdate: null, projects }
}

/** The status for a narrow terminal. */
function statusText(status: Status): string {
  return [
    field('main.py', programLines(status)),
    field('release', releaseLines(status)),
    ...packagesFields(status),
    ...(status.deposit === null ? [] : [field('deposit', depositLines(status.deposit))]),
    ...(status.git === null ? [] : [field('git', gitLines(status.git))]),
    ...(status.selfUpdate === null ? [] : [field('version', versionLines(status.selfUpdate))]),
    field('daemon', daemonLines(status.daemon)),
  ].join('\n')
}

function programLines({ program }: Status): string[] {
  const { pid, since, restarts, lastExit, cpuPercent, rssBytes } = program
  const word = stateText(program)
  const lines = [
    [word, pid && `pid ${pid}`, since && `for ${agoText(since)}`].filter(Boolean).join(', '),
  ]
  if (cpuPercent !== null && rssBytes !== null) lines.push(`${cpuPercent} % CPU, ${size(rssBytes)}`)
  const health = healthText(program.health)
  if (health !== null) lines.push(health)
  lines.push(...whyLines(program))
  if (restarts > 0) lines.push(verbWords.restarts(restarts))
  if (lastExit !== null) lines.push(`last time it ${lastExit.text}`)
  return lines
}

/** Why it runs, or does not. */
function whyLines({ state, wanted, note, cause }: Status['program']): string[] {
  if (state === 'ELSEWHERE') return [words.runElsewhere]
  if (wanted === 'down') return [words.keptDown]
  // A daemon of the version before does not tell it.
  if (note) return [note]
  return cause === null ? [] : [`started: ${cause.text}`]
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

function depositLines({ files, waitingFor, guarantee }: DepositStatus): string[] {
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
