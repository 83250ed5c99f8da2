import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, defaults, type Site } from '../../src/config.ts'
import type { Claimed, Step, Verified } from '../../src/model.ts'
import { filesOf } from '../../src/update/store.ts'
import { type Refused, verify } from '../../src/update/verify.ts'
import { type Tree, writeTree } from '../harness/project.ts'
import { makeSite } from '../harness/site.ts'

const running: Tree = { 'main.py': 'old', 'lib/a.py': 'old a', 'data.txt': 'data' }

/** A release that is about to be verified against what main holds. */
async function claimed(
  t: TestContext,
  main: Tree,
  staging: Tree,
  verifyBy: Partial<Config['verify']> = {},
): Promise<{ site: Site; staging: string; claim: Claimed }> {
  const site = await makeSite(t, { verify: { ...defaults.verify, ...verifyBy } })
  await writeTree(site.paths.main, main)
  const folder = filesOf('r1', site.paths).staging
  await mkdir(folder, { recursive: true })
  await writeTree(folder, staging)
  const bytes = Object.values(staging).join('').length
  const release = {
    id: 'r1',
    from: 'deposit',
    at: '',
    files: Object.keys(staging).length,
    bytes,
  } as const
  return { site, staging: folder, claim: { stage: 'claimed', release, attempt: 1 } }
}

async function verified(t: TestContext, main: Tree, staging: Tree): Promise<Verified> {
  const { site, claim } = await claimed(t, main, staging)
  const found = await verify(claim, site)
  assert.ok(!('refused' in found), JSON.stringify(found))
  return found
}

async function stepsOf(t: TestContext, main: Tree, staging: Tree): Promise<readonly Step[]> {
  return (await verified(t, main, staging)).plan.steps
}

function assertRefused(found: Verified | Refused, why: RegExp, mayBeCutOff = false): void {
  assert.ok('refused' in found, JSON.stringify(found))
  assert.match(found.refused, why)
  assert.equal(found.mayBeCutOff, mayBeCutOff)
}

test('files are placed, and a folder that main does not have is one step', async (t) => {
  const staging = {
    'main.py': 'new',
    'lib/b.py': 'b',
    'pkg/x': '',
    'pkg/deep/er/y': '',
    'pkg/deep/z': '',
  }
  const found = await verified(t, running, staging)
  assert.deepEqual(found.plan.steps, [
    { do: 'put', path: 'lib/b.py' },
    { do: 'put', path: 'main.py' },
    {
      do: 'put-dir',
      path: 'pkg',
      files: ['pkg/deep/er/y', 'pkg/deep/z', 'pkg/x'],
      dirs: ['pkg/deep', 'pkg/deep/er'],
    },
  ])
  assert.equal(found.isFirst, false)
  assert.deepEqual(found.warnings, [])
})

test('a release into a main without a program is a first one', async (t) => {
  assert.equal((await verified(t, {}, { 'main.py': 'new' })).isFirst, true)
})

test('whiteouts take files and folders out before anything is placed', async (t) => {
  assert.deepEqual(
    await stepsOf(t, running, { '.wh.data.txt': '', '.wh.lib': '', 'main.py': '' }),
    [
      { do: 'drop', path: 'data.txt' },
      { do: 'drop', path: 'lib' },
      { do: 'put', path: 'main.py' },
    ],
  )
})

test('a whiteout and new content of the same name: the new takes the place of the old', async (t) => {
  const staging = {
    '.wh.lib': '',
    lib: 'a file now',
    '.wh.data.txt': '',
    'data.txt/x': 'a folder now',
  }
  assert.deepEqual(await stepsOf(t, running, staging), [
    { do: 'drop', path: 'data.txt' },
    { do: 'drop', path: 'lib' },
    { do: 'put-dir', path: 'data.txt', files: ['data.txt/x'], dirs: [] },
    { do: 'put', path: 'lib' },
  ])
})

test('an opaque whiteout empties its folder, and what the release brings is new there', async (t) => {
  const main = { ...running, 'lib/deep/b.py': '', 'lib/c.py': '' }
  assert.deepEqual(
    await stepsOf(t, main, { 'lib/.wh..wh..opq': '', 'lib/deep/x': '', 'lib/a.py': '' }),
    [
      { do: 'drop', path: 'lib/a.py' },
      { do: 'drop', path: 'lib/c.py' },
      { do: 'drop', path: 'lib/deep' },
      { do: 'put', path: 'lib/a.py' },
      { do: 'put-dir', path: 'lib/deep', files: ['lib/deep/x'], dirs: [] },
    ],
  )
})

test('an opaque whiteout in the root spares the state of the daemon', async (t) => {
  const main = { ...running, '.supervisor/releases/x': '' }
  const steps = await stepsOf(t, main, { '.wh..wh..opq': '', 'main.py': 'new' })
  assert.deepEqual(
    steps.map((step) => `${step.do} ${step.path}`),
    ['drop data.txt', 'drop lib', 'drop main.py', 'put main.py'],
  )
})

test('what goes with a folder is not taken out once more', async (t) => {
  const main = { ...running, 'lib/deep/b.py': '' }
  const staging = { '.wh.lib': '', 'lib/.wh.a.py': '', 'lib/deep/.wh.b.py': '', 'lib/new': '' }
  assert.deepEqual(await stepsOf(t, main, staging), [
    { do: 'drop', path: 'lib' },
    { hasWhiteouts: true, do: 'put-dir', path: 'lib', files: ['lib/new'], dirs: ['lib/deep'] },
  ])
})

test('a whiteout of something that is not there is a warning', async (t) => {
  const { plan, warnings } = await verified(t, running, {
    '.wh.nothing': '',
    'x/.wh.y': '',
    'x/z': '',
  })
  assert.deepEqual(plan.steps, [
    { hasWhiteouts: true, do: 'put-dir', path: 'x', files: ['x/z'], dirs: [] },
  ])
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /^\.wh\.nothing: there is nothing of that name/)
})

const refused: Record<string, { main?: Tree; staging: Tree; why: RegExp; mayBeCutOff?: true }> = {
  'no program anywhere': {
    main: {},
    staging: { x: '' },
    why: /no main\.py: main has none/,
    mayBeCutOff: true,
  },
  'the program deleted, and none in its place': {
    staging: { '.wh.main.py': '' },
    why: /no main\.py: a whiteout deletes it/,
    mayBeCutOff: true,
  },
  'the program deleted with all others': {
    staging: { '.wh..wh..opq': '', x: '' },
    why: /no main\.py/,
    mayBeCutOff: true,
  },
  'the wrong case': { main: {}, staging: { 'Main.py': '' }, why: /has Main\.py\. Rename it/ },
  'the folder instead of what is in it': {
    main: {},
    staging: { 'my-app/main.py': '', 'my-app/lib/a.py': '' },
    why: /Upload what is in the folder my-app/,
  },
  'a virtual environment': {
    staging: { 'env/pyvenv.cfg': '', 'env/bin/python': '' },
    why: /env\/pyvenv\.cfg.*virtual environment of another machine/,
  },
  'a file in the place of a folder': {
    staging: { lib: '' },
    why: /^lib is a file in the deposit but a folder/,
  },
  'a folder in the place of a file': {
    staging: { 'data.txt/x': '' },
    why: /^data\.txt is a folder in the deposit but a file/,
  },
  'the name of the daemon': {
    staging: { 'a/.supervisor/x': '' },
    why: /a\/\.supervisor.*belongs to/,
  },
  'a whiteout with contents in its folder': {
    staging: { '.wh.lib/x': '' },
    why: /\.wh\.lib is not a whiteout/,
  },
  'a whiteout without a name': {
    staging: { 'lib/.wh.': '' },
    why: /lib\/\.wh\. is not a whiteout/,
  },
  'a whiteout of the parent': { staging: { 'lib/.wh...': '' }, why: /is not a whiteout/ },
  'a whiteout of the daemon': { staging: { '.wh..supervisor': '' }, why: /\.supervisor/ },
}

for (const [what, { main = running, staging, why, mayBeCutOff = false }] of Object.entries(
  refused,
)) {
  test(`refused, with the reason: ${what}`, async (t) => {
    const { site, claim } = await claimed(t, main, staging)
    assertRefused(await verify(claim, site), why, mayBeCutOff)
  })
}

test('refused: links and special files, wherever they are', async (t) => {
  const { site, staging, claim } = await claimed(t, running, { 'main.py': '', 'a/b/c': '' })
  await symlink('/etc/passwd', join(staging, 'a/b/link'))
  assertRefused(await verify(claim, site), /^a\/b\/link is a symbolic link/)
  const pipe = await claimed(t, running, { 'main.py': '' })
  execFileSync('mkfifo', [join(pipe.staging, 'pipe')])
  assertRefused(await verify(pipe.claim, pipe.site), /^pipe is not a file or folder/)
})

test('refused: a folder where main has a link to one', async (t) => {
  const { site, claim } = await claimed(t, running, { 'data/x': '', 'data/.wh.y': '' })
  await mkdir(join(site.paths.project, 'elsewhere'))
  await symlink('../elsewhere', join(site.paths.main, 'data'))
  assertRefused(await verify(claim, site), /^data is a folder in the deposit but a symbolic link/)
})

test('refused: more files, more bytes, longer paths than allowed', async (t) => {
  const tree = { 'main.py': '12345', 'a/bcdef': '67890' }
  const within = await claimed(t, running, tree, { maxEntries: 2, maxBytes: 10, maxPathBytes: 7 })
  assert.ok(!('refused' in (await verify(within.claim, within.site))))
  const many = await claimed(t, running, tree, { maxEntries: 1 })
  assertRefused(await verify(many.claim, many.site), /it has 2 files, more than 1/)
  const large = await claimed(t, running, tree, { maxBytes: 9 })
  assertRefused(await verify(large.claim, large.site), /it has 10 bytes, more than 9 bytes/)
  const long = await claimed(t, running, tree, { maxPathBytes: 6 })
  assertRefused(await verify(long.claim, long.site), /a\/bcdef….*7 bytes long, more than 6/)
})

test('a folder that main has as a mount or link is a whiteout like any other: the link goes, not its target', async (t) => {
  const { site, claim } = await claimed(t, running, { '.wh.data': '' })
  await symlink('/etc', join(site.paths.main, 'data'))
  const found = await verify(claim, site)
  assert.ok('plan' in found)
  assert.deepEqual(found.plan.steps, [{ do: 'drop', path: 'data' }])
})

test('a program that lands beside the old one for the first time is warned of', async (t) => {
  const warnings = async (main: Tree, staging: Tree) => (await verified(t, main, staging)).warnings
  const inFolder = { 'app/main.py': 'new', 'app/lib.py': '' }
  assert.deepEqual(await warnings(running, inFolder), [
    'main.py stays as it was: the upload has app/main.py. If that is the new program: Upload what is in the folder app, not the folder itself',
  ])
  assert.deepEqual(await warnings(running, { 'Main.py': 'new' }), [
    'main.py stays as it was: the upload has Main.py. If that is the new program: Rename it to main.py',
  ])
  assert.deepEqual(await warnings({ ...running, 'app/main.py': 'old' }, inFolder), [])
  assert.deepEqual(await warnings(running, { ...inFolder, 'main.py': 'new' }), [])
})
