import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exponentOf, ratioOf, spreadOf } from '../../bench/figure.ts'
import { curveOf } from '../../bench/measures/growth.ts'
import { copied, programOf } from '../../bench/program.ts'
import { followReports, type Report } from '../../bench/reports.ts'
import { judge } from '../../bench/swap.ts'
import { afterwards } from '../harness/cleanup.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { makeFolder } from '../harness/tools.ts'

/** The bench itself: does it see what it says that it sees? */

function report(what: Report['what'], pid: number, at: number, ...versions: number[]): Report {
  return { what, pid, at, versions }
}

test('a swap with one restart has one gap', () => {
  const caused = [report('end', 1, 100, 1), report('start', 2, 130, 2), report('ready', 2, 140, 2)]
  assert.deepEqual(judge(caused, 2, 90), {
    is: 'done',
    starts: 1,
    mixed: 0,
    swap: { downMs: 40, lastGapMs: 40, afterUploadMs: 50 },
  })
})

test('restarts in the middle of an upload are added up, and mixtures among them counted', () => {
  const caused = [
    report('end', 1, 100, 1),
    report('start', 2, 110, 2),
    report('ready', 2, 120, 1, 2),
    report('end', 2, 200, 1, 2),
    report('start', 3, 205, 2),
    report('end', 3, 210, 1, 2),
    report('start', 4, 220, 2),
    report('broken', 4, 230, 2),
    report('start', 5, 240, 2),
    report('ready', 5, 250, 2),
  ]
  assert.deepEqual(judge(caused, 2, 180), {
    is: 'done',
    starts: 4,
    mixed: 3,
    swap: { downMs: 20 + 50, lastGapMs: 50, afterUploadMs: 70 },
  })
})

test('a swap that ends on a mixture, on old files or with nothing is lost', () => {
  const mixture = [report('end', 1, 1, 1), report('start', 2, 2, 2), report('ready', 2, 3, 1, 2)]
  assert.deepEqual(judge(mixture, 2, 0), { is: 'lost', starts: 1, mixed: 1 })
  const old = [report('end', 1, 1, 1), report('start', 2, 2, 1), report('ready', 2, 3, 1)]
  assert.deepEqual(judge(old, 2, 0), { is: 'lost', starts: 1, mixed: 0 })
  assert.deepEqual(judge([], 2, 0), { is: 'lost', starts: 0, mixed: 0 })
})

test('the program tells which versions it sees: one, a mixture, a module that is cut off', async (t) => {
  const main = await makeFolder(t)
  const parts = [...(await programOf(2, 20))].filter(([name]) => name !== 'main.py')
  await copied(await programOf(1, 20), main)
  assert.deepEqual(await versionsSeen(t, main), [1])
  await copied(new Map(parts.slice(10)), main)
  assert.deepEqual(await versionsSeen(t, main), [1, 2])
  await copied(new Map([['part_003.py', '']]), main)
  assert.deepEqual(await versionsSeen(t, main), [-1, 1, 2])
  await copied(await programOf(2, 20), main)
  assert.deepEqual(await versionsSeen(t, main), [2])
})

/** Runs the program until it is ready, and ends it. */
async function versionsSeen(t: TestContext, main: string): Promise<readonly number[]> {
  const path = join(await makeFolder(t), 'reports')
  const reports = followReports(path)
  afterwards(t, () => reports.close())
  const env = { ...cleanEnvironment(), BENCH_REPORTS: path }
  const child = spawn('python3', ['main.py'], { cwd: main, env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  afterwards(t, () => child.kill('SIGKILL'))
  assert.ok(await reports.until((all) => all.some(({ what }) => what === 'ready'), 20_000))
  child.kill('SIGTERM')
  await ended
  assert.ok(await reports.until((all) => all.some(({ what }) => what === 'end'), 20_000))
  const [start, ready, end] = reports.all()
  assert.ok(start && ready && end && start.at < ready.at && ready.at < end.at)
  return ready.versions
}

test('median, quartiles and ratios leave out what is missing', () => {
  assert.deepEqual(spreadOf([5, 1, null, 3, 2, 4]), { median: 3, low: 2, high: 4 })
  assert.equal(spreadOf([null]), null)
  // Round by round: 2, 2 and 4, and not the ratio of the medians.
  const ratio = ratioOf({ who: 'x', values: [2, 20, null, 400], base: [1, 10, 7, 100] })
  assert.equal(ratio?.median, 2)
})

test('the exponent is the slope on logarithmic axes', () => {
  const cost = (x: number) => ({ x, y: 3 * x ** 1.5 })
  const exponent = exponentOf([cost(1), cost(10), cost(1000)])
  assert.ok(exponent !== null && Math.abs(exponent - 1.5) < 1e-9)
  assert.equal(exponentOf([cost(10)]), null)
})

test('a size at which all was lost, or at which nothing stood still, is no point of the curve', () => {
  const costs = [
    { files: 100, values: [10, 10] },
    { files: 1000, values: [100, null] },
    { files: 10_000, values: [null, 0] },
  ]
  const { points, exponent } = curveOf('x', costs)
  assert.deepEqual(
    points.map(({ files }) => files),
    [100, 1000],
  )
  assert.ok(exponent !== null && Math.abs(exponent - 1) < 1e-9)
  const lost = curveOf('x', [{ files: 1, values: [null] }])
  assert.deepEqual(lost, { name: 'x', points: [], exponent: null })
})
