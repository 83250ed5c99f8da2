import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Checkout, makeCheckout } from '../harness/checkout.ts'
import { startDaemon } from '../harness/daemon.ts'
import { programPath } from '../harness/project.ts'
import { isThorough } from '../harness/thorough.ts'
import { untilNothing } from '../harness/until.ts'

/** How often the daemon is killed. */
const kills = isThorough ? 200 : 20

/** So often it is left alone until all is settled, and then everything is looked at. */
const checkEvery = 10

/** What the daemon says last before it is killed. */
const moments = [
  /waiting for uploads/,
  /git: main of origin is at/,
  /a change \(main of origin\)/,
  /is being stopped/,
  /is being stopped/,
  /main\.py started/,
  /applied, main\.py was down/,
  /applied, main\.py was down/,
  /(committed|rolled back)/,
]

const template = readFileSync(programPath('one-at-a-time'), 'utf8')

/** Commits are numbered, and every file of one holds its number. Every fourth crashes. */
function version(number: number): Record<string, string | null> {
  const stamp = String(number)
  const isBad = number % 4 === 0
  return {
    'main.py': isBad ? 'raise SystemExit(3)\n' : template.replace('@STAMP@', stamp),
    'pkg/__init__.py': `STAMP = "${stamp}"\n`,
    'pkg/part.py': `STAMP = "${stamp}"\n`,
    'data.txt': stamp,
    [`extra/v${stamp}/one.txt`]: stamp,
    ...(number > 1 ? { [`extra/v${number - 1}/one.txt`]: null } : {}),
  }
}

test(`kill -9 at ${kills} random moments while commits come`, async (t) => {
  const first = version(1) as Record<string, string>
  const checkout = await makeCheckout(t, {
    files: first,
    settings: { trial: { time: '100ms' }, program: { stop: '500ms', start: '20ms' } },
    git: { every: '50ms', retry: '50ms' },
  })
  for (let kill = 1; kill <= kills; kill += 1) {
    await checkout.remote.commit(version(kill + 1))
    const daemon = await startDaemon(t, checkout.dir, { HOME: checkout.dir })
    const moment = moments[Math.floor(Math.random() * moments.length)] ?? /./
    // It may not come: the commit was tried before, or the life before has left something.
    await daemon.says(moment, 600).catch(() => undefined)
    await sleep(Math.random() * 40)
    assert.equal(await daemon.end('SIGKILL'), 'SIGKILL')
    if (kill % checkEvery === 0) await check(t, checkout)
  }
})

/** Lets the daemon come to rest, and looks at everything. */
async function check(t: TestContext, { dir, remote, git }: Checkout): Promise<void> {
  const daemon = await startDaemon(t, dir, { HOME: dir })
  await daemon.says(/git: (main is at|[0-9a-f]{9} was tried as)/)
  const unrest = () => {
    const left = readdirSync(join(dir, '.supervisor/releases'))
    return left.length === 0 ? null : `under way: ${left}`
  }
  try {
    await untilNothing(unrest)
  } catch (error) {
    throw new Error(daemon.output(), { cause: error })
  }
  assert.equal(await daemon.end(), 0)
  assert.equal(git('status', '--porcelain'), '', 'git knows what is in main')
  assert.equal(git('diff', 'HEAD'), '')
  const known = remote.git('rev-list', 'HEAD').split('\n')
  assert.ok(known.includes(git('rev-parse', 'HEAD')), 'HEAD is one of the commits')
  const locks = readdirSync(join(dir, 'main/.git'), { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    locks.filter((name) => name.endsWith('.lock')),
    [],
  )
}
