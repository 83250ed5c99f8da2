import { dirname, join } from 'node:path'
import { withDeadline } from '../system/clock.ts'
import { command, findCommand } from '../system/command.ts'
import { dropFolder } from '../system/gone.ts'
import { asksNobody, type JobEnd, runJob } from '../system/job.ts'
import { endTagged } from '../system/tagged.ts'
import { lastLines } from '../words-git.ts'
import { selfWords } from '../words-self.ts'
import type { Means } from './around.ts'
import type { Candidate, Trouble } from './candidate.ts'
import { cardIn } from './git-remote.ts'
import { folderOf, type Install, scriptOf } from './install.ts'

/** Whoever makes a version carries this in his environment, with the folder of the install. */
const tagName = 'OTA_SUPERVISOR_VERSIONS'

/** What is being made; no version has this name. */
const sideName = '.new'

/**
 * Fetches a version into a side folder, builds it where it comes without its `dist/`, tries it with the settings in
 * force, and puts it beside the version that runs, durably. Nothing that runs is touched. The answer is what kept it
 * from that, or null.
 */
export async function prepare(
  candidate: Candidate,
  install: Install,
  means: Means,
): Promise<Trouble | null> {
  const { disk } = means.site
  const side = join(install.releases, sideName)
  // A build of a daemon that was killed may still go on.
  await endTagged(tagName, install.dir)
  await dropFolder(side, disk)
  disk.makeDir(side)
  try {
    const trouble =
      (await candidate.fetch(side)) ??
      (await buildIfNeeded(side, means)) ??
      (await tryOut(candidate.version, side, means))
    if (trouble !== null) return trouble
    // Whoever may ask the daemon runs this too; systemd has the daemon close what it makes to others.
    await command('chmod', ['-R', 'u=rwX,go=rX', side])
    await disk.syncAll(side)
    const folder = folderOf(candidate.version, install)
    await dropFolder(folder, disk)
    disk.rename(side, folder)
    await disk.syncAll(install.dir)
    return null
  } finally {
    await dropFolder(side, disk)
  }
}

/** What is taken from git has no `dist/`, unless its branch is one for that. */
async function buildIfNeeded(side: string, means: Means): Promise<Trouble | null> {
  const { disk, config } = means.site
  if (disk.kind(scriptOf(side)) === 'file') return null
  if (disk.kind(join(side, 'package-lock.json')) !== 'file') return { why: selfWords.notBuilt }
  if ((await findCommand('npm')) === null) {
    return { why: selfWords.noNpm, hint: selfWords.noNpmHint }
  }
  const env = { npm_config_cache: join(side, '.npm'), npm_config_update_notifier: 'false' }
  // Scripts of other packages are not run. The one of this program is: it will run here anyway.
  const steps = [
    ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    ['npm', 'run', '--silent', 'build'],
  ]
  for (const step of steps) {
    const ran = await runIn(
      side,
      ['nice', '-n', '19', ...step],
      env,
      config.selfUpdate.buildMs,
      means,
    )
    if (ran.why !== null) return { why: selfWords.buildFailed(step.join(' '), ran.why) }
  }
  const packed = packedOf((await disk.readText(join(side, 'package.json'))) ?? '')
  const others = disk.list(side).filter((name) => !packed.has(name))
  for (const name of others) await disk.removeTree(join(side, name))
  return null
}

/** What npm would pack of it: only that stays. */
function packedOf(card: string): ReadonlySet<string> {
  const { files } = JSON.parse(card) as { readonly files?: unknown }
  const paths = Array.isArray(files) ? files.map(String) : ['dist']
  return new Set(['package.json', ...paths.map((path) => path.split('/')[0] ?? '')])
}

/** The new version, asked by itself: what it is, and whether it can work with these settings and records. */
async function tryOut(version: string, side: string, means: Means): Promise<Trouble | null> {
  const { disk, config, paths } = means.site
  const card = cardIn((await disk.readText(join(side, 'package.json'))) ?? '')
  const script = scriptOf(side)
  if (card === null || disk.kind(script) !== 'file') return { why: selfWords.notUs(version) }
  if (card.version !== version) return { why: selfWords.otherVersion(version, card.version) }
  const { checkMs } = config.selfUpdate
  const asks = [['version'], ['self-check', '-C', paths.project]]
  for (const asked of asks) {
    const ran = await runIn('/', [process.execPath, script, ...asked], {}, checkMs, means)
    const why = ran.why ?? (ran.out.trim() === version ? null : selfWords.oddAnswer(ran.out))
    if (why !== null) return { why: selfWords.checkFailed(version, asked[0] ?? '', why) }
  }
  return null
}

/** Runs a command to its end; `why` is null when all went well. */
async function runIn(
  cwd: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  ms: number,
  { setpriv, end, install }: Means,
): Promise<{ readonly out: string; readonly why: string | null }> {
  const deadline = withDeadline(ms, end)
  const texts = { out: '', err: '' }
  const PATH = [dirname(process.execPath), process.env['PATH'] ?? ''].join(':')
  const done = await runJob(
    {
      argv: [...(setpriv === null ? [] : [setpriv, '--pdeathsig', 'TERM', '--']), ...argv],
      cwd,
      env: { ...process.env, ...asksNobody, ...env, PATH, [tagName]: install?.dir ?? '' },
      async read(stream, pipe) {
        for await (const text of pipe.setEncoding('utf8')) {
          texts[stream] = (texts[stream] + text).slice(-16_000)
        }
      },
      drainMs: 1_000,
    },
    deadline.signal,
  )
  deadline.clear()
  const said = lastLines(`${texts.out}\n${texts.err}`)
  return { out: texts.out, why: endText(done, ms, said) }
}

function endText(done: JobEnd, ms: number, said: string): string | null {
  switch (done.is) {
    case 'code':
      return done.code === 0 ? null : selfWords.endedWith(done.code, said)
    case 'signal':
      return selfWords.killed(done.signal, said)
    case 'unstartable':
      return done.why
    case 'cut':
      return selfWords.tookTooLong(ms)
  }
}
