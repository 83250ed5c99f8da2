import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Daemon, startDaemon } from './daemon.ts'
import { isLiving, until } from './processes.ts'
import {
  makeProject,
  programPath,
  putProgram,
  readTree,
  type Settings,
  writeTree,
} from './project.ts'

/** Where a hostile deposit is made, and what is around it. */
export type Place = {
  readonly t: TestContext
  /** An empty folder: what is made in it is moved into the deposit at once. */
  readonly upload: string
  /** The project. */
  readonly dir: string
  /** A folder beside the project's own, in which nothing may ever change. */
  readonly outside: string
  /** The daemon's process. */
  readonly pid: number
}

/** One row of the corpus. */
export type Hostile = {
  readonly make: (place: Place) => unknown
  /** What must be said of it. */
  readonly says: RegExp
  /**
   * `held`: there is time to mend it, and then it is rejected. `left`: it stays in the deposit, and
   * `check` may remove it. `any`: chance decides, and only what must never happen is looked at.
   */
  readonly becomes: 'committed' | 'rejected' | 'held' | 'rolled-back' | 'left' | 'any'
  /** Looks at what came of it. */
  readonly check?: (place: Place) => unknown
  readonly needsRoot?: string
}

export type Corpus = Readonly<Record<string, Hostile>>

type Line = { readonly id: string; readonly result: string; readonly why?: string }

const quick: Settings = {
  trial: { time: '100ms' },
  verify: { repair: '200ms' },
  deposit: { manifest_wait: '300ms' },
}

/**
 * Deposits every row of a corpus, one after the other, with one daemon. After each: the reason is in
 * the log, in REASON.txt and in the result file, nothing outside has changed, the program was not
 * touched unless the row is accepted, and the deposit is free for the next row. A good deposit works
 * after each row that may have brought another program, after every eighth of the others, and at the end. With
 * `asUser` the daemon runs as that user, who owns the project, and the rows as root.
 */
export function testCorpus(
  name: string,
  corpus: Corpus,
  settings: Settings = {},
  asUser?: number,
): void {
  test(name, async (t) => {
    if (asUser !== undefined && process.getuid?.() !== 0) {
      t.skip('needs root: only root can start the daemon as another user')
      return
    }
    const { daemon, outside } = await startWithOutside(t, settings, asUser)
    const rows = Object.entries(corpus)
    for (const [index, [what, row]] of rows.entries()) {
      await t.test(what, async (one) => {
        if (row.needsRoot !== undefined && process.getuid?.() !== 0) {
          one.skip(`needs root: ${row.needsRoot}`)
          return
        }
        const upload = join(daemon.dir, 'upload')
        await rm(upload, { recursive: true, force: true })
        await mkdir(upload)
        await deposit({ t: one, upload, dir: daemon.dir, outside, pid: daemon.pid }, row, daemon)
        const isTurn = index % 8 === 7 || index === rows.length - 1
        if (isTurn || mayRunAnother(row, daemon)) await isUsable(daemon, asUser)
      })
    }
  })
}

async function startWithOutside(t: TestContext, settings: Settings, asUser?: number) {
  const names = new Set([...Object.keys(quick), ...Object.keys(settings)])
  const merged = [...names].map((name) => [name, { ...quick[name], ...settings[name] }])
  const dir = await makeProject(t, Object.fromEntries(merged))
  const outside = join(dir, 'outside')
  await writeTree(outside, { 'secret.txt': 'not to be touched', 'x.pyc': 'nor this' })
  await putProgram('good', join(dir, 'main'))
  if (asUser !== undefined) {
    await mkdir(join(dir, 'deposit'))
    execFileSync('chown', ['-R', `${asUser}:${asUser}`, dir])
  }
  // A python3 in somebody's home is not for everybody.
  const env = asUser === undefined ? {} : { PATH: '/usr/bin:/bin' }
  const daemon = await startDaemon(t, dir, env, asUser)
  await daemon.says(/r0 out +good is up/)
  return { daemon, outside }
}

/** True for a row after which main may be another. */
function changesMain({ becomes }: Hostile): boolean {
  return becomes === 'committed' || becomes === 'any'
}

/** True when the good program may not be the one that runs: the next row counts on it. */
function mayRunAnother({ becomes }: Hostile, { dir }: Daemon): boolean {
  const isGood = readOrEmpty(join(dir, 'main/main.py')) === readOrEmpty(programPath('good'))
  return becomes === 'any' || !isGood
}

async function deposit(place: Place, row: Hostile, daemon: Daemon): Promise<void> {
  const { dir, outside, upload } = place
  const around = await readTree(outside)
  const [before, said, pid] = [linesOf(dir).length, daemon.output().length, programOf(dir)]
  await row.make(place)
  const main = await readTree(join(dir, 'main'))
  for (const name of readdirSync(upload, 'buffer')) {
    renameSync(below(upload, name), below(join(dir, 'deposit'), name))
  }
  const isSaid = () => row.says.test(daemon.output().slice(said))
  const fail = (why: string) => `${why}. It said:\n${daemon.output().slice(said)}`
  if (row.becomes === 'left') {
    await orTell(until(`${row.says}`, isSaid), fail)
  } else {
    await orTell(
      until('an outcome', () => linesOf(dir).length > before, 40_000),
      fail,
    )
    const last = linesOf(dir).at(-1)
    const expected = row.becomes === 'held' ? 'rejected' : row.becomes
    if (row.becomes !== 'any') {
      assert.equal(last?.result, expected, fail(`it was ${last?.result}`))
    }
    await until('the outcome in the log', () =>
      new RegExp(`${last?.id}: (committed|rejected|rolled back)`).test(daemon.output().slice(said)),
    )
    assert.ok(isSaid(), fail(`${row.says} was not said`))
    if (!changesMain(row)) await isExplained(last, row.says, dir)
    // It is claimed, goes back, and is claimed again when its time is over.
    const wasHeld = daemon.output().slice(said).split(': claimed ').length > 2
    if (row.becomes !== 'any')
      assert.equal(wasHeld, row.becomes === 'held', fail(`held: ${wasHeld}`))
  }
  if (!changesMain(row)) {
    assert.deepEqual(await readTree(join(dir, 'main')), main)
    if (row.becomes !== 'rolled-back') assert.equal(programOf(dir), pid, 'another program runs')
    assert.ok(isLiving(programOf(dir)), 'the program does not run')
  }
  assert.deepEqual(await readTree(outside), around, 'something outside has changed')
  await row.check?.(place)
  assert.doesNotMatch(daemon.output().slice(said), /a fault in ota-supervisor itself/)
}

async function orTell(waiting: Promise<void>, fail: (why: string) => string): Promise<void> {
  await waiting.catch((error: unknown) => assert.fail(fail(String(error))))
}

/** The reason must be where each reader looks. */
async function isExplained(last: Line | undefined, says: RegExp, dir: string): Promise<void> {
  assert.ok(last)
  assert.match(last.why ?? '', says)
  assert.match(
    await readFile(join(dir, '.supervisor/rejected', last.id, 'REASON.txt'), 'utf8'),
    says,
  )
  assert.match(await readFile(join(dir, 'deposit/DEPOSIT-RESULT.txt'), 'utf8'), says)
  const [log = ''] = readdirSync(join(dir, 'logs'))
  // The file is written a moment after the console.
  await until(`${says} in the session file`, () => says.test(readOrEmpty(join(dir, 'logs', log))))
}

let good = 0

/** A good deposit works, and brings the good program back. */
async function isUsable({ dir, output }: Daemon, asUser?: number): Promise<void> {
  good += 1
  const [text, before, said] = [`${good}`, linesOf(dir).length, output().length]
  mkdirSync(join(dir, 'good'), { recursive: true })
  writeFileSync(join(dir, 'good/zz-good.txt'), text)
  writeFileSync(join(dir, 'good/main.py'), readFileSync(programPath('good')))
  for (const name of ['zz-good.txt', 'main.py']) {
    if (asUser !== undefined) chownSync(join(dir, 'good', name), asUser, asUser)
    const place = join(dir, 'deposit', name)
    // An emptied folder stays while anybody on the machine is connected, be it to another test's server.
    if (isFolder(place)) rmdirSync(place)
    renameSync(join(dir, 'good', name), place)
  }
  const fail = (why: string) => `a good deposit: ${why}. It said:\n${output().slice(said)}`
  // Its own outcome: another release of the row before may still come to its end.
  const isIn = () => readOrEmpty(join(dir, 'main/zz-good.txt')) === text
  await orTell(
    until('it is in main, and ended', () => isIn() && linesOf(dir).length > before && isIdle(dir)),
    fail,
  )
  assert.equal(linesOf(dir).at(-1)?.result, 'committed', fail(linesOf(dir).at(-1)?.why ?? ''))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** True when no release is under way. */
function isIdle(dir: string): boolean {
  return readdirSync(join(dir, '.supervisor/releases')).length === 0
}

/** The history, oldest first. */
function linesOf(dir: string): Line[] {
  const text = readOrEmpty(join(dir, '.supervisor/history.jsonl'))
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

/** The program's process. */
function programOf(dir: string): number {
  return Number(/"pid":\s*(\d+)/.exec(readOrEmpty(join(dir, '.supervisor/program.json')))?.[1])
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function below(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name])
}

/** Settings for rows that crash: however slow the machine is, it happens within the trial. */
export const longTrial: Settings = { trial: { time: '4s' } }

/** A row that is one tree of files. */
export function tree(
  files: Readonly<Record<string, string | Buffer>>,
): (place: Place) => Promise<void> {
  return async ({ upload }) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(upload, path, '..'), { recursive: true })
      await writeFile(`${upload}/${path}`, content)
    }
  }
}
