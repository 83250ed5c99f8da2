import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type DepositPaths, type DepositSite, defaults, pathsOf } from '../../src/config.ts'
import { openCheckout } from '../../src/daemon/git.ts'
import { messageOf } from '../../src/errors.ts'
import type { Claimed, Clock, ReleaseId, Writers } from '../../src/model.ts'
import { carryOut } from '../../src/project/carry-out.ts'
import { claim, unclaim } from '../../src/project/claim.ts'
import { type Ground as AnyGround, endRelease, startProgram } from '../../src/project/ground.ts'
import { openObstacle } from '../../src/project/obstacle.ts'
import { openOrders } from '../../src/project/orders.ts'
import { remakePackages } from '../../src/project/packages.ts'
import { recover } from '../../src/project/recover.ts'
import { conclude, goOn, type Walked, walk } from '../../src/project/road.ts'
import type { Trial } from '../../src/project/trial.ts'
import { openAhead } from '../../src/python/check.ts'
import { findInterpreter, type Interpreter } from '../../src/python/interpreter.ts'
import { openPackages, sweepPackages } from '../../src/python/packages.ts'
import { asDaemon } from '../../src/python/worker.ts'
import { openWriters } from '../../src/python/writers.ts'
import { openDeposit } from '../../src/source/deposit/deposit.ts'
import { type Snapshot, scan } from '../../src/source/deposit/scan.ts'
import { clock } from '../../src/system/clock.ts'
import { type Disk, disk } from '../../src/system/disk.ts'
import { openSlots } from '../../src/system/slots.ts'
import { type HistoryEntry, readHistory } from '../../src/update/history.ts'
import { type Cut, dyingDisk, fullDisk, PowerCut } from './dying-disk.ts'
import { checkEnvironments, checkInForce, offerWidget, widgetGupfile } from './power-packages.ts'
import type { Tree } from './project.ts'
import { recordedProgram } from './recorded-program.ts'
import { silent, unheard } from './silence.ts'
import { isThorough } from './thorough.ts'

/** Every project here has a deposit. */
type Ground = AnyGround & { readonly site: DepositSite }

/**
 * What happens between a first deposit and the end of its trial, told in trees. A path that ends in
 * `/` is a folder. A program with the word `crash` in it ends with exit code 1, any other stays up.
 */
type Scenario = {
  readonly name: string
  /** What lies in main before. */
  readonly old: Tree
  /** One after the other; each comes while the one before is on trial. */
  readonly uploads: readonly Tree[]
  /** How each of them ends when nothing goes wrong. */
  readonly ends: readonly HistoryEntry['result'][]
  /** What the running program does to its files; its version is the text of its entry. */
  readonly meddle?: (moment: 'start' | 'stop', version: string, main: string) => void
  /** What it makes in that way, and nobody may take away again: it may be beside the old tree. */
  readonly made?: Tree
  /** The deposit lies on another file system than main. */
  readonly apart?: true
  /**
   * It is made of Python files, which the real Python compiles. That takes its time, so that fewer of
   * the second cuts are made; the others have no Python in them.
   */
  readonly isPython?: true
  /** It brings packages: pip makes an environment, which takes longer still. */
  readonly hasPackages?: true
  /** Each upload comes as one archive. */
  readonly isPacked?: true
  /** A first part, in which Python finds a mistake: it goes back to the deposit and waits for the upload. */
  readonly part?: Tree
  /** When all are committed, the operator rolls back to before this one. */
  readonly rolledBackTo?: ReleaseId
  /** What of the uploads the new program changes or deletes. What it adds is called `own-…`. */
  readonly changed?: readonly string[]
}

const old: Tree = {
  main: 'old',
  'lib/a': 'old a',
  'lib/deep/b': 'old b',
  'kept.txt': 'not in any upload',
  'state/': '',
}

const overlay: Tree = {
  main: 'new',
  'lib/a': 'new a',
  'lib/deep/b': 'new b',
  'lib/c': 'new c',
  'pkg/__init__': 'new pkg',
  'pkg/sub/x.txt': 'new x',
  'pkg/empty/': '',
  '.env': 'NEW=1',
}

const whiteouts: Tree = {
  main: 'new',
  '.wh.lib': '',
  'lib/.wh.deep': '',
  'lib/deep/.wh.b': '',
  'lib/c': 'new c',
  'state/.wh..wh..opq': '',
  'state/x': 'new x',
  '.wh.kept.txt': '',
  'kept.txt': 'in place of the other',
}

const crashing: Scenario = {
  name: 'the same, and it fails its trial',
  old,
  uploads: [{ ...overlay, main: 'new, crash' }],
  ends: ['rolled-back'],
}

const pythonOld: Tree = {
  'main.py': '"old"',
  'lib/__init__.py': '',
  'lib/a.py': 'A = "old"',
  'lib/gone.py': 'GONE = 1',
  'data.txt': 'not in any upload',
}

const pythonNew: Tree = {
  'main.py': '"new"',
  'lib/a.py': 'A = "new"',
  'lib/.wh.gone.py': '',
  'pkg/__init__.py': 'P = 1',
  'pkg/deep/b.py': 'B = 2',
}

const scenarios: readonly Scenario[] = [
  {
    name: 'files replaced and added, and a new folder tree',
    old,
    uploads: [overlay],
    ends: ['committed'],
  },
  crashing,
  {
    name: 'two on trial at once, and both pass',
    old,
    uploads: [overlay, { main: 'newest', 'pkg/sub/x.txt': 'newest x', 'more/y': 'newest y' }],
    ends: ['committed', 'committed'],
  },
  {
    name: 'two on trial at once, and the second fails',
    old,
    uploads: [overlay, { main: 'crash', 'pkg/sub/x.txt': 'newest x', 'more/y': 'newest y' }],
    ends: ['rolled-back', 'rolled-back'],
  },
  {
    name: 'the deposit is on another file system',
    old,
    uploads: [overlay],
    ends: ['committed'],
    apart: true,
  },
  {
    name: 'a first release',
    old: {},
    uploads: [overlay],
    ends: ['committed'],
  },
  {
    name: 'a first release that fails, and has nothing to go back to',
    old: {},
    uploads: [{ ...overlay, main: 'new, crash' }],
    ends: ['committed'],
  },
  {
    name: 'a release that main cannot take',
    old,
    uploads: [{ main: 'new', lib: 'a file' }],
    ends: ['rejected'],
  },
  {
    name: 'the new program deletes and changes files of its release before it fails',
    old,
    uploads: [{ ...overlay, main: 'new, crash' }],
    ends: ['rolled-back'],
    changed: ['lib/a', 'lib/c', 'pkg/sub/x.txt', '.env'],
    meddle(moment, version, main) {
      if (moment !== 'start' || version !== 'new, crash') return
      for (const path of ['lib/a', 'lib/c', 'pkg/sub/x.txt'])
        rmSync(join(main, path), { force: true })
      writeFileSync(join(main, '.env'), 'changed')
      writeFileSync(join(main, 'pkg/own-state'), 'mine')
    },
  },
  {
    name: 'the new program puts a file where a folder was before it fails',
    old,
    uploads: [{ ...overlay, main: 'new, crash' }],
    ends: ['rolled-back'],
    changed: ['lib', 'pkg'],
    made: { pkg: 'mine', 'lib.set-aside': 'mine' },
    meddle(moment, version, main) {
      if (moment !== 'start' || version !== 'new, crash') return
      for (const path of ['lib', 'pkg']) {
        rmSync(join(main, path), { recursive: true, force: true })
        writeFileSync(join(main, path), 'mine')
      }
    },
  },
  {
    name: 'the old program makes files and folders where the new ones go, in its last moment',
    old,
    uploads: [overlay],
    ends: ['committed'],
    ...makesInItsLastMoment({ 'lib/c': 'made', 'pkg/sub/x.txt': 'made', 'pkg/own-log': '' }),
  },
  {
    name: 'the same, and the new one fails',
    old,
    uploads: [{ ...overlay, main: 'new, crash' }],
    ends: ['rolled-back'],
    ...makesInItsLastMoment({ 'lib/c': 'made', 'pkg/sub/x.txt': 'made', 'pkg/own-log': '' }),
  },
  {
    name: 'the old program makes a folder where a file goes, in its last moment',
    old,
    uploads: [overlay],
    ends: ['rolled-back'],
    ...makesInItsLastMoment({ 'lib/c/own-file': 'made' }),
  },
  {
    name: 'the old program makes a file where a folder goes, in its last moment',
    old,
    uploads: [overlay],
    ends: ['rolled-back'],
    ...makesInItsLastMoment({ pkg: 'made' }),
  },
  {
    name: 'whiteouts of a file, a folder, and of what is in another',
    old: { ...old, 'lib/deep/more/z': 'old z' },
    uploads: [whiteouts],
    ends: ['committed'],
  },
  {
    name: 'the same, and it fails its trial',
    old: { ...old, 'lib/deep/more/z': 'old z' },
    uploads: [{ ...whiteouts, main: 'new, crash' }],
    ends: ['rolled-back'],
  },
  {
    name: 'two with whiteouts on trial at once, and the second fails',
    old,
    uploads: [whiteouts, { main: 'crash', '.wh.lib': '', 'lib/a': 'newest a', '.wh.kept.txt': '' }],
    ends: ['rolled-back', 'rolled-back'],
  },
  {
    name: 'a committed release is rolled back by the operator',
    old,
    uploads: [overlay],
    ends: ['rolled-back'],
    rolledBackTo: 'r1',
  },
  {
    name: 'two committed releases, one with whiteouts, are rolled back by the operator',
    old,
    uploads: [whiteouts, { main: 'newest', 'lib/a': 'newest a', '.wh.kept.txt': '' }],
    ends: ['rolled-back', 'rolled-back'],
    rolledBackTo: 'r1',
  },
  {
    name: 'an archive of Python files, with their bytecode',
    old: pythonOld,
    uploads: [{ ...pythonNew, 'main.py': '"new, crash"' }],
    ends: ['rolled-back'],
    isPython: true,
    isPacked: true,
  },
  {
    name: 'a broken part goes back to the deposit, and is completed',
    old: pythonOld,
    part: { ...pythonNew, 'main.py': '"ne' },
    uploads: [pythonNew],
    ends: ['committed'],
    isPython: true,
  },
  {
    name: 'an archive with a mistake goes back to the deposit, and another takes its place',
    old: pythonOld,
    part: { ...pythonNew, 'main.py': '"ne' },
    uploads: [pythonNew],
    ends: ['committed'],
    isPython: true,
    isPacked: true,
  },
  {
    name: 'a release brings a package, and is rolled back by the operator',
    old: pythonOld,
    uploads: [{ ...pythonNew, ...widgetGupfile }],
    ends: ['rolled-back'],
    rolledBackTo: 'r1',
    isPython: true,
    hasPackages: true,
  },
]

function makesInItsLastMoment(made: Tree): Pick<Scenario, 'meddle' | 'made'> {
  return {
    made,
    meddle(moment, version, main) {
      if (moment === 'stop' && version === 'old') putTree(main, made)
    },
  }
}

/**
 * Of the second cuts, one in so many is made, each time others: all of them together are 40,000. To
 * make them all, be thorough.
 */
const strideOf = ({ isPython, isPacked, hasPackages }: Scenario) =>
  hasPackages ? (isThorough ? 17 : 37) : isThorough ? 1 : isPython || isPacked ? 331 : 101

/**
 * Of the steps, one in so many is tried, each time others. Python takes a process for each walk, and an
 * install a second.
 */
const paceOf = ({ isPython, hasPackages }: Scenario, what: 'cut' | 'full') => {
  if (isThorough) return 1
  if (hasPackages) return what === 'cut' ? 8 : 25
  return isPython ? (what === 'cut' ? 4 : 17) : 3
}

/** The steps that are tried, from a first one that is another each time. */
function* stepsAt(pace: number): Generator<number> {
  for (let step = 1 + Math.floor(Math.random() * pace); ; step += pace) yield step
}

// Python and archives take a process for each walk, and what a torn step leaves is the same there.
const cutsOf = ({ isPython }: Scenario): readonly Cut[] =>
  isPython && !isThorough ? ['clean'] : ['clean', 'torn']

let python: Interpreter
let writers: Writers
let hashes: ReadonlyMap<string, string>

/** Finds Python and starts the helper; the answer ends it. Nothing of the below works before. */
export async function openPowerCuts(): Promise<() => Promise<void>> {
  python = await findInterpreter()
  writers = openWriters(python, 10_000)
  hashes = hashesOf([pythonOld, pythonNew].flatMap((tree) => Object.values(tree)))
  return () => writers.close()
}

/** The scenarios with packages, those with Python files only, or the others, or all. */
export function scenariosOf(which: 'python' | 'packages' | 'others' | 'all'): string[] {
  const kindOf = ({ isPython, hasPackages }: Scenario) =>
    hasPackages ? 'packages' : isPython ? 'python' : 'others'
  return scenarios
    .filter((scenario) => which === 'all' || kindOf(scenario) === which)
    .map(({ name }) => name)
}

function scenarioOf(name: string): Scenario {
  return scenarios.find((one) => one.name === name) ?? assert.fail(`no such scenario: ${name}`)
}

/** What came of a scenario, in a few words. */
export type Told = { readonly is: 'done' | 'skipped'; readonly text: string }

/** Cuts the power at the steps of a scenario. */
export async function cutPower(name: string): Promise<Told> {
  const scenario = scenarioOf(name)
  return withRoot(async (root) => {
    if (scenario.apart && disk.fileSystemOf(root) === disk.fileSystemOf(tmpdir())) {
      const text = `needs two file systems: ${root} and ${tmpdir()} are on one`
      return { is: 'skipped', text }
    }
    const world = begin(scenario, join(root, 'whole'))
    const uncut = dyingDisk(Number.POSITIVE_INFINITY)
    await deliver(world, uncut.disk)
    await checkEnd(world)
    assert.deepEqual(await resultsOf(world), scenario.ends)
    if (scenario.isPython) checkBytecode(scenario, world)
    let cuts = 0
    for (const step of stepsAt(paceOf(scenario, 'cut'))) {
      if (step > uncut.steps()) break
      for (const cut of cutsOf(scenario)) cuts += await cutTwice(scenario, root, step, cut)
    }
    return { is: 'done', text: `${uncut.steps()} steps; ${cuts} sequences of cuts` }
  })
}

function checkBytecode({ ends }: Scenario, { paths }: World): void {
  const isIn = ends[0] === 'committed'
  assert.deepEqual(bytecodeIn(paths.main), isIn ? ['lib', 'pkg', 'pkg/deep'] : [])
}

/** Fills the disk for one moment, at the steps of a scenario. */
export async function fillDisk(name: string): Promise<Told> {
  const scenario = scenarioOf(name)
  return withRoot(async (root) => {
    for (const step of stepsAt(paceOf(scenario, 'full'))) {
      const world = begin(scenario, join(root, 'full'))
      const full = fullDisk(step)
      try {
        await deliver(world, full.disk)
        await checkEnd(world)
      } catch (error) {
        throw new Error(`full at step ${step}: ${messageOf(error)}`, { cause: error })
      }
      if (full.steps() < step) return { is: 'done', text: `${full.steps()} steps` }
    }
    throw new Error('there is a last step')
  })
}

/** A newcomer must not be put on top of a release whose trial is over. */
export async function decideTrial(): Promise<Told> {
  return withRoot(async (root) => {
    const world = begin(crashing, join(root, 'decided'))
    await session(world, disk, async (ground) => {
      const on = ground('short')
      await startProgram('r0', { by: 'boot' }, on)
      putTree(world.paths.deposit, crashing.uploads[0] ?? {})
      const trial = await take(null, on)
      assert.ok(trial)
      await trial.verdict?.promise
      putTree(world.paths.deposit, overlay)
      const source = openDeposit(on.site, writers, silent, unheard, on.clock)
      const claimed = await claim(await scanOf(on), source, on)
      assert.ok(typeof claimed === 'object')
      assert.deepEqual(await walk(claimed, trial, on), { is: 'gives way' })
    })
    return { is: 'done', text: '' }
  })
}

/**
 * Cuts the power at a step of the road, and again at steps of the recovery from that. Wherever it
 * was, the start after it must come to a good end. Returns the number of sequences tried.
 */
async function cutTwice(scenario: Scenario, root: string, step: number, cut: Cut): Promise<number> {
  const stride = strideOf(scenario)
  const wreck = begin(scenario, join(root, 'wreck'))
  const dying = dyingDisk(step, cut)
  await assert.rejects(deliver(wreck, dying.disk), PowerCut)
  if (cut === 'torn' && !dying.isTorn()) return 0
  for (let tried = 0; ; tried += 1) {
    const second = 1 + (step % stride) + tried * stride
    // An environment cannot be moved: of those there is one second cut, and no copy.
    const again = scenario.hasPackages ? wreck : copyOf(wreck, join(root, 'again'))
    try {
      const isCut = await cutsRecovery(again, dyingDisk(second, cut).disk)
      await restart(again)
      await checkEnd(again)
      if (!isCut || scenario.hasPackages) return tried + 1
    } catch (error) {
      const where = `step ${step} and step ${second} of the recovery`
      throw new Error(`power cut (${cut}) at ${where}: ${messageOf(error)}`, { cause: error })
    }
  }
}

// --- one project, from one session of the daemon to the next ---

type World = {
  readonly scenario: Scenario
  readonly dir: string
  readonly paths: DepositPaths
  /** What has been put into the deposit, apart from a part that was completed. */
  readonly delivered: Tree[]
}

/** In memory, where there is such a place: it is thousands of small projects. */
async function withRoot(what: (root: string) => Promise<Told>): Promise<Told> {
  const memory = '/dev/shm'
  const root = await mkdtemp(join(disk.kind(memory) === 'dir' ? memory : tmpdir(), 'ota-'))
  try {
    offerWidget(join(root, 'wheels'))
    return await what(root)
  } finally {
    for (const place of [root, join(tmpdir(), basename(root))]) {
      await rm(place, { recursive: true, force: true })
    }
  }
}

function begin(scenario: Scenario, dir: string): World {
  rmSync(dir, { recursive: true, force: true })
  for (const folder of ['main', 'deposit', '.supervisor/releases', '.supervisor/rejected']) {
    mkdirSync(join(dir, folder), { recursive: true })
  }
  putTree(join(dir, 'main'), scenario.old)
  const paths = placesOf(scenario, dir)
  rmSync(paths.deposit, { recursive: true, force: true })
  mkdirSync(paths.deposit, { recursive: true })
  return { scenario, dir, paths, delivered: [] }
}

function copyOf(world: World, dir: string): World {
  rmSync(dir, { recursive: true, force: true })
  cpSync(world.dir, dir, { recursive: true })
  const paths = placesOf(world.scenario, dir)
  if (paths.deposit !== join(dir, 'deposit')) {
    rmSync(paths.deposit, { recursive: true, force: true })
    cpSync(world.paths.deposit, paths.deposit, { recursive: true })
  }
  return { ...world, dir, paths }
}

function placesOf(scenario: Scenario, dir: string): DepositPaths {
  if (!scenario.apart) return pathsOf(dir)
  return { ...pathsOf(dir), deposit: join(tmpdir(), basename(dirname(dir)), basename(dir)) }
}

/** The first session: one upload after the other comes, and the last one's trial is awaited. */
async function deliver(world: World, on: Disk): Promise<void> {
  await session(world, on, async (ground) => {
    await startProgram('r0', { by: 'boot' }, ground('endless'))
    let trial: Trial | null = null
    for (const [index, upload] of world.scenario.uploads.entries()) {
      const { part } = world.scenario
      if (part !== undefined) {
        deposit(part, world)
        await take(null, ground('endless'), 'hold')
        world.delivered.pop()
      }
      deposit(upload, world)
      const isLast = index === world.scenario.uploads.length - 1
      trial = await take(trial, ground(isLast ? 'short' : 'endless'))
    }
    if (trial !== null) await concludeWell(trial, ground('short'))
    await rollBack(world.scenario, ground('short'))
  })
}

async function rollBack({ rolledBackTo: to }: Scenario, on: Ground): Promise<void> {
  if (to === undefined) return
  // On a full disk it may not have come so far.
  if ((await readHistory(on.site)).some(({ result }) => result !== 'committed')) return
  const { answer } = await carryOut({ is: 'rollback', to }, null, on)
  assert.equal(answer.is, 'done', JSON.stringify(answer))
}

function deposit(upload: Tree, { scenario, paths, delivered }: World): void {
  // As the daemon does it when no upload connection is left.
  const folders = listOf(paths.deposit).filter((path) => path.endsWith('/'))
  for (const folder of folders.toReversed()) disk.removeEmptyDir(join(paths.deposit, folder))
  if (scenario.isPacked) {
    writeFileSync(join(paths.deposit, 'deposit.tgz'), packed(upload))
  } else {
    putTree(paths.deposit, upload)
  }
  delivered.push(upload)
}

/** A session that only gets as far as the recovery; true when its disk died meanwhile. */
async function cutsRecovery(world: World, on: Disk): Promise<boolean> {
  try {
    await session(world, on, async (ground) => {
      await sweepPackages(ground('short').site, silent)
      const left = await recover(ground('short'))
      const releases = [...left.onTrial, ...left.claimed].map(({ release }) => release.id)
      assert.equal(new Set(releases).size, releases.length)
      const inMain = left.onTrial.map(({ release }) => release.id)
      await checkMain(world, inMain, 'after the recovery')
    })
    return false
  } catch (error) {
    if (error instanceof PowerCut) return true
    throw error
  }
}

/** A session on a disk that lives: the recovery, what it left to walk, and what is in the deposit. */
async function restart(world: World): Promise<void> {
  await session(world, dyingDisk(Number.POSITIVE_INFINITY).disk, async (ground) => {
    const on = ground('short')
    await sweepPackages(on.site, silent)
    const left = await recover(on)
    await remakePackages(on)
    let trial = await goOn(left.onTrial, { by: 'boot' }, on)
    for (const claimed of left.claimed) trial = await walkOn(claimed, trial, on)
    if (trial !== null) await concludeWell(trial, on)
    const late = await take(null, on)
    if (late !== null) await concludeWell(late, on)
  })
}

/** Claims what is in the deposit and walks it. */
async function take(
  trial: Trial | null,
  on: Ground,
  ifBroken: 'hold' | 'reject' = 'reject',
): Promise<Trial | null> {
  const snapshot = await scanOf(on)
  if (!snapshot.hasContent) return trial
  const source = openDeposit(on.site, writers, silent, unheard, on.clock)
  // As the daemon does it: what could not be claimed or walked is tried again.
  const first = await claim(snapshot, source, on)
  const claimed = typeof first === 'object' ? first : await claim(await scanOf(on), source, on)
  assert.ok(typeof claimed === 'object')
  return walkOn(claimed, trial, on, ifBroken)
}

async function walkOn(
  claimed: Claimed,
  trial: Trial | null,
  on: Ground,
  ifBroken: 'hold' | 'reject' = 'reject',
): Promise<Trial | null> {
  const walked = await walkPrepared(claimed, trial, on)
  const isLater = walked.is === 'not yet' || walked.is === 'gives way'
  const again = isLater ? await walkAgain(claimed, trial, walked.is, on) : walked
  switch (again.is) {
    case 'done':
      return again.onTrial
    case 'refused':
      if (again.mayBeCutOff && ifBroken === 'hold') await unclaim(claimed.release, on)
      else await endRelease(claimed.release, { result: 'rejected', why: again.why }, 0, on)
      return trial
    case 'not yet':
    case 'gives way':
    case 'outdated':
    case 'preparing':
      return assert.fail(`it still waits: ${JSON.stringify(again)}`)
  }
}

/** Walks it; and again when its packages are there. */
async function walkPrepared(claimed: Claimed, trial: Trial | null, on: Ground): Promise<Walked> {
  const walked = await walk(claimed, trial, on)
  if (walked.is !== 'preparing') return walked
  const made = await walked.made
  return made.is === 'not now' ? { is: 'not yet', why: made.why } : walk(claimed, trial, on)
}

async function walkAgain(
  claimed: Claimed,
  trial: Trial | null,
  is: 'not yet' | 'gives way',
  on: Ground,
) {
  // It gives way to the end of the trial; there are no orders here.
  const isOver = trial !== null && is === 'gives way'
  return walkPrepared(claimed, isOver ? await concludeWell(trial, on) : trial, on)
}

async function concludeWell(trial: Trial, on: Ground): Promise<null> {
  assert.ok(trial.verdict !== null, 'nobody has stopped the program')
  return conclude(trial, await trial.verdict.promise, on)
}

function scanOf(on: Ground): Promise<Snapshot> {
  return scan(on.site.paths.deposit, on.site.config)
}

/** One session of the daemon. An `endless` trial is one that something else ends. */
async function session(
  world: World,
  on: Disk,
  what: (ground: (trial: 'short' | 'endless') => Ground) => Promise<void>,
): Promise<void> {
  const end = new AbortController()
  const { main } = world.paths
  const entry = join(main, entryOf(world.scenario))
  const program = recordedProgram(entry, {
    started() {
      const version = readFileSync(entry, 'utf8')
      assert.ok(isWhole(world), `started on a main that is no version: ${listOf(main)}`)
      checkInForce(packages, main)
      world.scenario.meddle?.('start', version, main)
      return version.includes('crash') ? 'crashed' : 'up'
    },
    stopping() {
      world.scenario.meddle?.('stop', readFileSync(entry, 'utf8'), main)
    },
  })
  const answer = () => undefined
  const orders = openOrders(end.signal, { is: 'refused', why: 'the end' })
  const shutdown = end.signal
  const tell = () => undefined
  const ahead = openAhead(1_000)
  // An install takes its time.
  const packages = openPackages(python, asDaemon, siteOf(world, on), clock, shutdown)
  const git = openCheckout(
    null,
    true,
    siteOf(world, on),
    silent,
    clock,
    shutdown,
    openSlots(() => 1),
  )
  const told = { log: silent, answer, tell }
  const base = {
    ...told,
    git,
    program,
    elsewhere: null,
    isPass: false,
    python,
    packages,
    ahead,
    obstacle: openObstacle(),
    clock: impatient(),
    shutdown,
    orders,
    bustle: { note: () => undefined, calm: async () => undefined },
    rebootsAtEnd: () => false,
  }
  try {
    await what((trial) => ({ ...base, site: siteOf(world, on, trial === 'short' ? 1 : 60_000) }))
  } finally {
    ahead.close()
    end.abort()
  }
}

function siteOf(world: World, on: Disk, trialMs = 1): DepositSite {
  const config = {
    ...defaults,
    program: { ...defaults.program, entry: entryOf(world.scenario) },
    trial: { ...defaults.trial, ms: trialMs },
  }
  return { paths: world.paths, config, disk: on }
}

function entryOf({ isPython }: Scenario): string {
  return isPython ? 'main.py' : 'main'
}

/** Waits for nothing. A failure that is met often would be met for ever. */
function impatient(): Clock {
  let waits = 0
  return {
    ...clock,
    async sleep() {
      waits += 1
      if (waits > 3) throw new Error('it waits for something that does not change')
    },
  }
}

// --- what must be true ---

/** What must be true when all is done, whatever happened on the way. */
async function checkEnd(world: World): Promise<void> {
  const { scenario, paths, delivered } = world
  const { changed } = scenario
  const history = await readHistory(siteOf(world, disk))
  const expected = delivered.map((_, index) => `r${index + 1}`)
  assert.deepEqual(history.map(({ id }) => id).sort(), expected, 'one line of history for each')
  await checkMain(world, [], 'at the end')
  for (const { id, result } of history) {
    const kept = join(paths.rejected, id)
    if (result === 'committed') {
      assert.equal(disk.kind(kept), null, `${id} is committed and rejected`)
    } else {
      const upload = delivered[Number(id.slice(1)) - 1] ?? {}
      assert.deepEqual(likened(treeOf(join(kept, 'files')), changed), likened(upload, changed))
      assert.deepEqual(disk.list(kept).sort(), ['REASON.txt', 'files'])
    }
  }
  if (scenario.isPython) bytecodeIn(paths.main)
  await checkEnvironments(siteOf(world, disk))
  assert.deepEqual(disk.list(paths.releases), [], 'nothing is under way')
  assert.deepEqual(filesIn(treeOf(paths.deposit)), [], 'the deposit is empty')
  // A roll-back that was cut off at its first step leaves half a record in the journal, until the next.
  const litter = [...listOf(world.dir), ...listOf(paths.deposit)].filter(
    (path) => /\.(new|gone|ota-new)$/.test(path) && !/journals\/r\d+\/stage\.json\.new$/.test(path),
  )
  assert.deepEqual(litter, [])
}

/** Main is the old tree with the committed releases over it, and the given ones that are on trial. */
async function checkMain(world: World, onTrial: readonly string[], when: string): Promise<void> {
  const history = await readHistory(siteOf(world, disk))
  const committed = history.filter(({ result }) => result === 'committed').map(({ id }) => id)
  const inIt = new Set([...committed, ...onTrial])
  const uploads = world.delivered.filter((_, index) => inIt.has(`r${index + 1}`))
  const changed = onTrial.length === 0 ? [] : world.scenario.changed
  const found = likened(treeOf(world.paths.main), changed)
  const possible = basesOf(world.scenario).map((base) => likened(merged(base, uploads), changed))
  if (possible.some((tree) => isDeepStrictEqual(found, tree))) return
  assert.deepEqual(found, possible[0], when)
}

/** True when main is the old tree with some of the uploads over it, each of them whole. */
function isWhole({ scenario, paths }: World): boolean {
  const { changed, uploads } = scenario
  const found = likened(treeOf(paths.main), changed)
  const choices = Array.from({ length: 2 ** uploads.length }, (_, bits) =>
    uploads.filter((_upload, index) => (bits >> index) % 2 === 1),
  )
  return basesOf(scenario).some((base) =>
    choices.some((chosen) => isDeepStrictEqual(found, likened(merged(base, chosen), changed))),
  )
}

function basesOf({ old: before, made }: Scenario): Tree[] {
  return made === undefined ? [before] : [before, { ...before, ...made }]
}

function merged(base: Tree, uploads: readonly Tree[]): Tree {
  return uploads.reduce(withUpload, base)
}

/** Whiteouts are about what was there before, and files with no contents in this test's trees. */
function withUpload(base: Tree, upload: Tree): Tree {
  const isWhiteout = (path: string) => basename(path).startsWith('.wh.')
  const gone = Object.keys(upload)
    .filter(isWhiteout)
    .map((path) => path.replace(/\.wh\.(\.wh\.\.opq)?/, ''))
  const isGone = (path: string) =>
    gone.some((one) => path === one || path.startsWith(one.endsWith('/') ? one : `${one}/`))
  const left = Object.entries(base).filter(([path]) => !isGone(path))
  const added = Object.entries(upload).filter(([path]) => !isWhiteout(path))
  const folders = Object.keys(upload).flatMap(parentsOf)
  return Object.fromEntries([...left, ...folders.map((path) => [path, '']), ...added])
}

async function resultsOf(world: World): Promise<string[]> {
  const history = await readHistory(siteOf(world, disk))
  return history.map(({ result }) => result)
}

// --- trees ---

function putTree(root: string, tree: Tree): void {
  for (const [path, text] of Object.entries(tree)) {
    const place = join(root, path)
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(place, text)
  }
}

/** All below a folder: files with their text, folders with a `/` at the end. */
function treeOf(root: string): Tree {
  const pairs = listOf(root).map((path) => [
    path,
    path.endsWith('/') ? '' : readFileSync(join(root, path), 'utf8'),
  ])
  return Object.fromEntries(pairs)
}

function listOf(root: string): string[] {
  if (disk.kind(root) === null) return []
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map(
      (entry) =>
        join(entry.parentPath, entry.name).slice(root.length + 1) +
        (entry.isDirectory() ? '/' : ''),
    )
    .filter((path) => !path.includes('__pycache__'))
    .sort()
}

/** The folders of a tree that have bytecode; each is made from the source that lies there now. */
function bytecodeIn(root: string): string[] {
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const files = all.filter((path) => path.endsWith('.pyc'))
  for (const path of files) {
    const source = path.replace(/__pycache__\/([^.]+).*$/, '$1.py')
    const hash = readFileSync(join(root, path)).subarray(8, 16).toString('hex')
    assert.equal(hash, hashes.get(readFileSync(join(root, source), 'utf8')), path)
  }
  return [...new Set(files.map((path) => dirname(dirname(path))))].sort()
}

/** What bytecode of the checked-hash kind knows of its source, for each of these. */
function hashesOf(sources: readonly string[]): ReadonlyMap<string, string> {
  const script =
    'import importlib.util as u, json, sys; ' +
    'print(json.dumps([u.source_hash(s.encode()).hex() for s in json.load(sys.stdin)]))'
  const options = { input: JSON.stringify(sources), encoding: 'utf8' } as const
  const answer: string[] = JSON.parse(execFileSync(python.path, ['-I', '-c', script], options))
  return new Map(sources.map((source, index) => [source, answer[index] ?? '']))
}

const archives = new Map<Tree, Buffer>()

/** The tree as a .tar.gz, made once. */
function packed(tree: Tree): Buffer {
  const known = archives.get(tree)
  if (known !== undefined) return known
  const root = mkdtempSync(join(tmpdir(), 'ota-packed-'))
  try {
    putTree(root, tree)
    const archive = execFileSync('tar', ['-cz', '-C', root, '.'])
    archives.set(tree, archive)
    return archive
  } finally {
    rmSync(root, { recursive: true })
  }
}

function filesIn(tree: Tree): string[] {
  return Object.keys(tree).filter((path) => !path.endsWith('/'))
}

/**
 * A tree as it is compared: with every folder named, and without what the program has added or
 * changed, and the folders that only hold what it added.
 */
function likened(tree: Tree, changed: readonly string[] = []): Tree {
  const paths = Object.keys(tree).flatMap((path) => [...parentsOf(path), path])
  const isOwn = (path: string) => /(^|\/)own-/.test(path)
  const [own, others] = [paths.filter(isOwn), paths.filter((path) => !isOwn(path))]
  const holds = (folder: string, all: readonly string[]) =>
    all.some((path) => path !== folder && path.startsWith(folder))
  const kept = others
    .filter((path) => !(path.endsWith('/') && holds(path, own) && !holds(path, others)))
    .filter((path) => !changed.some((gone) => path === gone || path.startsWith(`${gone}/`)))
  return Object.fromEntries(kept.sort().map((path) => [path, tree[path] ?? '']))
}

/** `a/b/c` → `a/`, `a/b/` */
function parentsOf(path: string): string[] {
  const names = path.replace(/\/$/, '').split('/').slice(0, -1)
  return names.map((_, index) => `${names.slice(0, index + 1).join('/')}/`)
}
