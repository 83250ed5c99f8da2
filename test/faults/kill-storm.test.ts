import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onlyCommands } from '../harness/bare-path.ts'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { programsOf } from '../harness/processes.ts'
import { makeProject, programPath, readTree, type Tree } from '../harness/project.ts'
import { randomFrom } from '../harness/random.ts'
import { isThorough } from '../harness/thorough.ts'
import { untilNothing } from '../harness/until.ts'

/** How often each of the two daemons is killed. */
const kills = isThorough ? 102 : 17

/** So often it is left alone until all is settled, and then everything is looked at. */
const checkEvery = 17

const quick = {
  program: { stop: '500ms', start: '20ms' },
  deposit: { quiet: '50ms', tick: '15ms' },
  trial: { time: '100ms' },
}

/** Uploads are numbered from 1, and every file of one holds its number. */
function version(number: number): Tree {
  const stamp = String(number)
  return {
    'main.py': template.replace('@STAMP@', stamp),
    'pkg/__init__.py': `STAMP = "${stamp}"\n`,
    'pkg/part.py': `STAMP = "${stamp}"\n`,
    'data.txt': stamp,
    [`extra/v${stamp}/one.txt`]: stamp,
    [`extra/v${stamp}/deep/two.txt`]: stamp,
  }
}

const template = readFileSync(programPath('one-at-a-time'), 'utf8')

test(`kill -9 at ${2 * kills} random moments`, { concurrency: 2 }, async (t) => {
  await Promise.all([
    t.test('main.py dies with the daemon', (own) => storm(own, ['setpriv'])),
    t.test('without setpriv: main.py lives on', (own) => storm(own, [])),
  ])
})

async function storm(t: TestContext, commands: readonly string[]): Promise<void> {
  const dir = await makeProject(t, quick)
  const env = { PATH: await onlyCommands(dir, ['flock', 'sync', 'ps', ...commands]) }
  const seed = Number(process.env['KILL_STORM_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`seed ${seed}; for the same once more: KILL_STORM_SEED=${seed}`)
  const on: Storm = { dir, env, random: randomFrom(seed), uploaded: 0 }
  upload(on, 'main')
  mkdirSync(join(dir, 'deposit'))
  for (let kill = 1; kill <= kills; kill += 1) {
    await startAndKill(t, on)
    if (kill % checkEvery === 0) await check(t, on)
  }
  const outcomes = historyOf(dir).map(({ result }) => result)
  const count = (result: string) => outcomes.filter((one) => one === result).length
  t.diagnostic(
    `${on.uploaded} uploads: ${count('committed')} committed, ${count('rolled-back')} rolled back`,
  )
}

type Storm = {
  readonly dir: string
  readonly env: NodeJS.ProcessEnv
  readonly random: () => number
  uploaded: number
}

/** One life of the daemon, with an upload before it, in it, or none. */
async function startAndKill(t: TestContext, on: Storm): Promise<void> {
  const { random } = on
  const uploads = pick(['before', 'before', 'in it', 'in it', 'none'] as const, random)
  if (uploads === 'before') upload(on, 'deposit')
  const daemon = await startDaemon(t, on.dir, on.env)
  if (uploads === 'in it') {
    await daemon.says(/waiting for uploads/)
    uploadInOneMoment(on, daemon)
  }
  // It may not come in time: what the life before has left goes first.
  if (uploads !== 'none') await daemon.says(pick(moments, random), 400).catch(() => undefined)
  await sleep(random() * (uploads === 'none' ? 400 : 60))
  assert.equal(await daemon.end('SIGKILL'), 'SIGKILL')
}

/** What the daemon says last before it is killed. */
const moments = [
  /waiting for uploads/,
  /claimed \d+ files/,
  /claimed \d+ files/,
  /is being stopped/,
  /is being stopped/,
  /main\.py started/,
  /applied, main\.py was down/,
  /(committed|rolled back)/,
]

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T
}

/** For the daemon it is there at once: it does not see it grow, and cannot take a part for all. */
function uploadInOneMoment(on: Storm, daemon: Daemon): void {
  process.kill(daemon.pid, 'SIGSTOP')
  upload(on, 'deposit')
  process.kill(daemon.pid, 'SIGCONT')
}

function upload(on: Storm, folder: 'main' | 'deposit'): void {
  on.uploaded += 1
  for (const [path, text] of Object.entries(version(on.uploaded))) {
    const place = join(on.dir, folder, path)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, text)
  }
}

/** Lets the daemon come to rest, and looks at everything. */
async function check(t: TestContext, on: Storm): Promise<void> {
  const { dir } = on
  const daemon = await startDaemon(t, dir, on.env)
  // Only now is what the killed one has left running ended.
  await daemon.says(/waiting for uploads/)
  try {
    await untilNothing(() => unrest(dir))
  } catch (error) {
    throw new Error(daemon.output(), { cause: error })
  }
  const main = await readTree(join(dir, 'main'))
  const inMain = Number(main['data.txt'])
  assertWhole(main, inMain, 'main')
  if (inMain !== on.uploaded) {
    const rejected = await lastRejected(dir)
    assertWhole(rejected, on.uploaded, 'the last upload is neither in main nor kept')
  }
  const ids = historyOf(dir).map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length, 'one line of history for each')
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
  const told = join(dir, 'faults.txt')
  if (existsSync(told)) assert.fail(readFileSync(told, 'utf8'))
}

/** What is still going on, or null. */
async function unrest(dir: string): Promise<string | null> {
  const inDeposit = readdirSync(join(dir, 'deposit')).filter(
    (name) => name !== 'DEPOSIT-RESULT.txt',
  )
  if (inDeposit.length > 0) return `in the deposit: ${inDeposit}`
  const underWay = readdirSync(join(dir, '.supervisor/releases'))
  if (underWay.length > 0) return `under way: ${underWay}`
  const programs = await programsOf(dir)
  return programs.length === 1 ? null : `running: ${programs.length} programs`
}

/** All files of a version are in it, and of other versions only whole folders in `extra/`. */
function assertWhole(tree: Tree, number: number, what: string): void {
  const others = Object.keys(tree).map((path) =>
    Number(/^extra\/v(\d+)\//.exec(path)?.[1] ?? number),
  )
  const extras = [...new Set(others)].map((other) =>
    Object.entries(version(other)).filter(([path]) => path.startsWith('extra/')),
  )
  const expected = { ...version(number), ...Object.fromEntries(extras.flat()) }
  assert.deepEqual(tree, expected, what)
}

async function lastRejected(dir: string): Promise<Tree> {
  const rejected = join(dir, '.supervisor/rejected')
  const ids = readdirSync(rejected).map((id) => Number(id.slice(1)))
  return readTree(join(rejected, `r${Math.max(...ids)}`, 'files'))
}

function historyOf(dir: string): { id: string; result: string }[] {
  const text = readFileSync(join(dir, '.supervisor/history.jsonl'), 'utf8')
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      // The empty one at the end, or one that a kill has torn.
      return []
    }
  })
}
