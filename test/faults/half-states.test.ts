import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Outcome, Plan, ReleaseId, Stage } from '../../src/model.ts'
import { startDaemon } from '../harness/daemon.ts'
import { programsOf } from '../harness/processes.ts'
import { makeProject, readTree, type Tree, writeTree } from '../harness/project.ts'
import { type LeftRelease, leaveRelease, releaseOf } from '../harness/releases.ts'
import { untilNothing } from '../harness/until.ts'

/** What a daemon that was killed has left, and what the next one must make of it. */
type HalfState = {
  readonly name: string
  readonly left: readonly LeftRelease[]
  readonly main: Tree
  readonly deposit?: Tree
  /** What history.jsonl holds, to the byte. */
  readonly history?: string
  /** Anything else below `.supervisor/`. */
  readonly own?: Tree
  readonly end: {
    readonly main: Tree
    readonly history: Readonly<Record<ReleaseId, Outcome['result']>>
    /** The files of those that were refused. */
    readonly rejected?: Readonly<Record<ReleaseId, Tree>>
  }
}

function program(name: string): string {
  return `import time\nprint("${name} is up")\nwhile True:\n    time.sleep(0.5)\n`
}

const old: Tree = { 'data.txt': 'kept', 'main.py': program('old') }
const upload1: Tree = { 'main.py': program('first'), 'pkg/a.py': 'first' }
const upload2: Tree = { 'main.py': program('second'), 'pkg/a.py': 'second' }
const first: Tree = { ...old, ...upload1 }
const second: Tree = { ...old, ...upload2 }

const plan1: Plan = {
  steps: [
    { do: 'put', path: 'main.py' },
    { do: 'put-dir', path: 'pkg', files: ['pkg/a.py'], dirs: [] },
  ],
}
const plan2: Plan = {
  steps: [
    { do: 'put', path: 'main.py' },
    { do: 'put', path: 'pkg/a.py' },
  ],
}

const release = releaseOf('r1')
const claimed: Stage = { stage: 'claimed', release, attempt: 1 }
const applying: Stage = { stage: 'applying', release, attempt: 1, isFirst: false }
const onTrial: Stage = { stage: 'on-trial', release, isFirst: false, boots: 1, downtimeMs: 5 }
const undoing: Stage = { stage: 'undoing', release, why: 'it crashed', downtimeMs: 5 }
const rolledBack = { result: 'rolled-back', why: 'it crashed' } as const

/** r1 as it is when all of it is in main. */
const r1InMain = { id: 'r1', plan: plan1, staging: {}, old: { 'main.py': program('old') } } as const
/** r2 over it. */
const r2InMain = { id: 'r2', plan: plan2, staging: {}, old: upload1 } as const

const committed = { main: first, history: { r1: 'committed' } } as const
const goneBack = {
  main: old,
  history: { r1: 'rolled-back' },
  rejected: { r1: upload1 },
} as const

/** One list for each stage there is: with a new stage this does not compile. */
const halfStates: Readonly<Record<Stage['stage'] | 'no stage' | 'beside', readonly HalfState[]>> = {
  claiming: [
    {
      name: 'a part is still in the deposit',
      left: [
        { id: 'r1', stage: { stage: 'claiming', release }, staging: part(upload1, 'main.py') },
      ],
      main: old,
      deposit: part(upload1, 'pkg/a.py'),
      end: committed,
    },
    {
      name: 'a newer upload has a file where a folder was: it counts',
      left: [{ id: 'r1', stage: { stage: 'claiming', release }, staging: upload1 }],
      main: old,
      deposit: { pkg: 'a file now' },
      end: {
        main: { ...old, 'main.py': program('first'), pkg: 'a file now' },
        history: { r1: 'committed' },
      },
    },
  ],
  claimed: [
    {
      name: 'not verified yet',
      left: [{ id: 'r1', stage: claimed, staging: upload1 }],
      main: old,
      end: committed,
    },
    {
      name: 'its last attempt, with the plan of the one before',
      left: [{ id: 'r1', stage: { ...claimed, attempt: 3 }, plan: plan2, staging: upload1 }],
      main: old,
      end: committed,
    },
    {
      name: 'the first that has a program',
      left: [{ id: 'r1', stage: claimed, staging: upload1 }],
      main: {},
      end: { main: upload1, history: { r1: 'committed' } },
    },
    {
      name: 'above one on trial',
      left: [
        { ...r1InMain, stage: onTrial },
        { id: 'r2', stage: { ...claimed, release: releaseOf('r2') }, staging: upload2 },
      ],
      main: first,
      end: { main: second, history: { r1: 'committed', r2: 'committed' } },
    },
  ],
  applying: [
    {
      name: 'nothing is in main yet',
      left: [{ id: 'r1', stage: applying, plan: plan1, staging: upload1, old: {} }],
      main: old,
      end: committed,
    },
    {
      name: 'the old main.py is out, the new one not in',
      left: [{ ...r1InMain, stage: applying, staging: upload1 }],
      main: part(old, 'data.txt'),
      end: committed,
    },
    {
      name: 'all is in main',
      left: [{ ...r1InMain, stage: applying }],
      main: first,
      end: committed,
    },
    {
      name: 'all is in main, for the last time',
      left: [{ ...r1InMain, stage: { ...applying, attempt: 3 } }],
      main: first,
      end: goneBack,
    },
    {
      name: 'above one that is undoing',
      left: [
        { ...r1InMain, stage: undoing },
        { ...r2InMain, stage: { ...applying, release: releaseOf('r2') } },
      ],
      main: second,
      end: {
        main: second,
        history: { r1: 'rolled-back', r2: 'committed' },
        rejected: { r1: upload1 },
      },
    },
  ],
  'on-trial': [
    {
      name: 'for the second time',
      left: [{ ...r1InMain, stage: onTrial }],
      main: first,
      end: committed,
    },
    {
      name: 'once too often',
      left: [{ ...r1InMain, stage: { ...onTrial, boots: 3 } }],
      main: first,
      end: goneBack,
    },
    {
      name: 'once too often, but there is nothing to go back to',
      left: [
        { id: 'r1', plan: plan1, staging: {}, stage: { ...onTrial, boots: 3, isFirst: true } },
      ],
      main: upload1,
      end: { main: upload1, history: { r1: 'committed' } },
    },
    {
      name: 'two of them',
      left: [
        { ...r1InMain, stage: onTrial },
        { ...r2InMain, stage: { ...onTrial, release: releaseOf('r2') } },
      ],
      main: second,
      end: { main: second, history: { r1: 'committed', r2: 'committed' } },
    },
    {
      name: 'two of them, once too often',
      left: [
        { ...r1InMain, stage: { ...onTrial, boots: 2 } },
        { ...r2InMain, stage: { ...onTrial, boots: 3, release: releaseOf('r2') } },
      ],
      main: second,
      end: {
        main: old,
        history: { r1: 'rolled-back', r2: 'rolled-back' },
        rejected: { r1: upload1, r2: upload2 },
      },
    },
  ],
  undoing: [
    {
      name: 'all is in main',
      left: [{ ...r1InMain, stage: undoing }],
      main: first,
      end: goneBack,
    },
    {
      name: 'one half is back',
      left: [{ ...r1InMain, stage: undoing, staging: part(upload1, 'main.py') }],
      main: part(first, 'data.txt', 'pkg/a.py'),
      end: goneBack,
    },
    {
      name: 'below one on trial',
      left: [
        { ...r1InMain, stage: undoing },
        { ...r2InMain, stage: { ...onTrial, release: releaseOf('r2') } },
      ],
      main: second,
      end: {
        main: old,
        history: { r1: 'rolled-back', r2: 'rolled-back' },
        rejected: { r1: upload1, r2: upload2 },
      },
    },
  ],
  ended: [
    {
      name: 'committed, and no more than that',
      left: [{ ...r1InMain, stage: ended({ result: 'committed' }) }],
      main: first,
      end: committed,
    },
    {
      name: 'committed and in the history',
      left: [{ ...r1InMain, stage: ended({ result: 'committed' }) }],
      main: first,
      history: `${JSON.stringify({ ...release, result: 'committed', downtimeMs: 5 })}\n`,
      end: committed,
    },
    {
      name: 'rolled back, and a last line of history that is torn',
      left: [{ id: 'r1', stage: ended(rolledBack), plan: plan1, staging: upload1 }],
      main: old,
      history: '{"id":"r1","from":"dep',
      end: goneBack,
    },
    {
      name: 'rolled back, and its files are with the rejected already',
      left: [{ id: 'r1', stage: ended(rolledBack), plan: plan1 }],
      main: old,
      own: under('rejected/r1/files', upload1),
      end: goneBack,
    },
  ],
  'no stage': [
    ...['', '{"stage":"clai', '{}', '{"stage":"applying"}', '\0\0\0'].flatMap(
      (stage): HalfState[] => [
        {
          name: `${JSON.stringify(stage)} without a plan: back to the deposit`,
          left: [{ id: 'r1', stage, staging: part(upload1, 'main.py') }],
          main: old,
          deposit: part(upload1, 'pkg/a.py'),
          end: committed,
        },
        {
          name: `${JSON.stringify(stage)} with a plan: undone`,
          left: [{ ...r1InMain, stage }],
          main: first,
          end: goneBack,
        },
      ],
    ),
    {
      name: 'an empty folder',
      left: [{ id: 'r1' }],
      main: old,
      end: { main: old, history: {} },
    },
    {
      name: 'a folder with nothing but staging',
      left: [{ id: 'r1', staging: {} }],
      main: old,
      end: { main: old, history: {} },
    },
    {
      name: 'a plan without staging',
      left: [{ id: 'r1', plan: plan1 }],
      main: old,
      end: { main: old, history: {} },
    },
  ],
  beside: [
    {
      name: 'the rest of a dropped release',
      left: [],
      main: old,
      own: under('releases/r1.gone', { 'staging/main.py': program('gone'), 'stage.json': '{' }),
      end: { main: old, history: {} },
    },
    {
      name: 'the rest of a dropped release, and one of its number',
      left: [{ id: 'r1', stage: claimed, staging: upload1 }],
      main: old,
      own: under('releases/r1.gone', { 'staging/main.py': program('gone') }),
      end: committed,
    },
    {
      name: 'a torn last line of history, and a new upload',
      left: [],
      main: old,
      deposit: upload1,
      history: `${JSON.stringify({ ...releaseOf('r4'), result: 'committed', downtimeMs: 5 })}\n{"id`,
      end: { main: first, history: { r4: 'committed', r5: 'committed' } },
    },
    {
      name: 'a record that was about to be replaced',
      left: [{ id: 'r1', stage: claimed, staging: upload1 }],
      main: old,
      own: { 'releases/r1/stage.json.new': '{"stage":"app', 'history.jsonl.new': '{' },
      end: committed,
    },
  ],
}

test('half-states: the next start makes the best of each', { concurrency: 3 }, async (t) => {
  const all = Object.entries(halfStates).flatMap(([stage, list]) =>
    list.map((state) => t.test(`${stage}: ${state.name}`, (own) => startOn(own, state))),
  )
  await Promise.all(all)
})

async function startOn(t: TestContext, state: HalfState): Promise<void> {
  const dir = await makeProject(t, { deposit: { quiet: '50ms' }, trial: { time: '150ms' } })
  for (const folder of ['main', 'deposit', '.supervisor']) mkdirSync(join(dir, folder))
  await writeTree(join(dir, 'main'), state.main)
  await writeTree(join(dir, 'deposit'), state.deposit ?? {})
  for (const left of state.left) await leaveRelease(dir, left)
  await writeTree(join(dir, '.supervisor'), state.own ?? {})
  const history = join(dir, '.supervisor/history.jsonl')
  if (state.history !== undefined) writeFileSync(history, state.history)

  const daemon = await startDaemon(t, dir)
  await daemon.says(/waiting for uploads/)
  try {
    await untilNothing(() => unrest(dir, state))
  } catch (error) {
    throw new Error(`${error}\n${daemon.output()}`)
  }
  assert.deepEqual(await readTree(join(dir, 'main')), state.end.main)
  const rejected = Object.entries(state.end.rejected ?? {})
  assert.deepEqual(
    readdirSync(join(dir, '.supervisor/rejected')),
    rejected.map(([id]) => id),
  )
  for (const [id, tree] of rejected) {
    assert.deepEqual(await readTree(join(dir, '.supervisor/rejected', id, 'files')), tree)
  }
  assert.doesNotMatch(daemon.output(), /a fault in ota-supervisor itself/)
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(await programsOf(dir), [])
}

/** What is not yet as it will be, or null. */
async function unrest(dir: string, { end }: HalfState): Promise<string | null> {
  const underWay = readdirSync(join(dir, '.supervisor/releases'))
  if (underWay.length > 0) return `under way: ${underWay}`
  const found = JSON.stringify(outcomesIn(join(dir, '.supervisor/history.jsonl')))
  const expected = JSON.stringify(Object.entries(end.history))
  if (found !== expected) return `the history has ${found} and not ${expected}`
  const programs = (await programsOf(dir)).length
  return programs === 1 ? null : `running: ${programs} programs`
}

/** In the order of their numbers: when two are rolled back, the newer is the first to end. */
function outcomesIn(history: string): [string, string][] {
  let text = ''
  try {
    text = readFileSync(history, 'utf8')
  } catch {
    // None has ended yet.
  }
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    try {
      const { id, result } = JSON.parse(line)
      return [[id, result]]
    } catch {
      return []
    }
  })
  return pairs.sort()
}

function ended(outcome: Outcome): Stage {
  return { stage: 'ended', release, outcome, downtimeMs: 5 }
}

function part(tree: Tree, ...paths: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => paths.includes(path)))
}

function under(folder: string, tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, text]) => [`${folder}/${path}`, text]))
}
