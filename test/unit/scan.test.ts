import assert from 'node:assert/strict'
import { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { look, placeIn, scan, walk } from '../../src/source/deposit/scan.ts'
import { makeProject, writeTree } from '../harness/project.ts'

test('a scan finds what would be claimed: folders before what is in them', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  await writeTree(deposit, { 'main.py': 'x', 'a/b/c.txt': 'four', '.env': 'A=1', 'a/d': '' })
  await mkdir(join(deposit, 'empty/folder'), { recursive: true })
  const { entries, hasContent } = await scan(deposit, defaults)
  assert.deepEqual(entries.map(({ path, kind, bytes }) => `${path} ${kind} ${bytes}`).toSorted(), [
    '.env file 3',
    'a dir 0',
    'a/b dir 0',
    'a/b/c.txt file 4',
    'a/d file 0',
    'empty dir 0',
    'empty/folder dir 0',
    'main.py file 1',
  ])
  const known = new Set([''])
  for (const { path } of entries) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    assert.ok(known.has(parent), `${path} comes before its folder`)
    known.add(path)
  }
  assert.equal(hasContent, true)
})

test('no deposit, an empty one, and one of empty folders hold nothing to claim', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  const nothing = await scan(deposit, defaults)
  assert.deepEqual(nothing.entries, [])
  assert.equal(nothing.hasContent, false)
  await mkdir(deposit)
  assert.deepEqual(await scan(deposit, defaults), nothing)
  await mkdir(join(deposit, 'a/b'), { recursive: true })
  const { entries, hasContent } = await scan(deposit, defaults)
  assert.equal(entries.map(({ path }) => path).join(), 'a,a/b')
  assert.equal(hasContent, false)
})

test('what is left alone is not claimed, nor what is below it, but its growth is seen', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  const growing = join(deposit, 'pkg/.main.py.aB3dE9')
  await writeTree(deposit, { '.gitkeep': '', 'pkg/.main.py.aB3dE9': 'half', '.~tmp~/main.py': 'x' })
  const before = await scan(deposit, defaults)
  assert.equal(before.entries.map(({ path }) => path).join(), 'pkg')
  assert.equal(before.hasContent, false)
  await appendFile(growing, ' a file')
  assert.notEqual((await scan(deposit, defaults)).fingerprint, before.fingerprint)
})

test('the fingerprint changes with each change, and only then', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  const file = join(deposit, 'a/main.py')
  const then = new Date(1_700_000_000_000)
  await writeTree(deposit, { 'a/main.py': 'one', 'a/other.py': 'x' })
  const changes = {
    'a longer text': () => appendFile(file, ' more'),
    'an older time': () => utimes(file, then, then),
    // As rsync and cp -p make it: the same size and the same time.
    'another file of its name': async () => {
      await writeFile(join(deposit, '../new.py'), 'two more')
      await utimes(join(deposit, '../new.py'), then, then)
      await rename(join(deposit, '../new.py'), file)
    },
    'a time one millisecond later': () => utimes(file, then, new Date(then.getTime() + 1)),
    'another name': () => rename(file, join(deposit, 'a/renamed.py')),
    'a new folder': () => mkdir(join(deposit, 'a/b')),
    'a file less': () => rm(join(deposit, 'a/other.py')),
    'a folder of another name': () => rename(join(deposit, 'a'), join(deposit, 'c')),
  }
  let before = (await scan(deposit, defaults)).fingerprint
  for (const [what, change] of Object.entries(changes)) {
    assert.equal((await scan(deposit, defaults)).fingerprint, before, `without ${what}`)
    await change()
    const after = (await scan(deposit, defaults)).fingerprint
    assert.notEqual(after, before, what)
    before = after
  }
})

test('the fingerprint of an entry stays the same through a rename', async (t) => {
  const dir = await makeProject(t)
  await writeTree(dir, { 'deposit/a.txt': 'text', 'staging/.keep': '' })
  const before = look(join(dir, 'deposit'), Buffer.from('a.txt'))
  await rename(join(dir, 'deposit/a.txt'), join(dir, 'staging/b.txt'))
  const after = look(join(dir, 'staging'), Buffer.from('b.txt'))
  assert.ok(before !== null && after !== null)
  assert.equal(after.fingerprint, before.fingerprint)
  assert.equal(look(join(dir, 'deposit'), Buffer.from('a.txt')), null)
})

test('links are seen and never followed', async (t) => {
  const dir = await makeProject(t)
  const deposit = join(dir, 'deposit')
  await writeTree(dir, { 'deposit/a/b': 'x', 'outside/secret': 'y' })
  await symlink('..', join(deposit, 'a/loop'))
  await symlink(join(dir, 'outside'), join(deposit, 'out'))
  await symlink('nowhere', join(deposit, 'broken'))
  const { entries } = await scan(deposit, defaults)
  const found = entries.map(({ path, kind }) => `${path} ${kind}`).toSorted()
  assert.deepEqual(found, ['a dir', 'a/b file', 'a/loop other', 'broken other', 'out other'])
})

test('a name that is not UTF-8 is kept as the disk has it', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  await mkdir(deposit)
  const names = [Buffer.from([0x61, 0xfe]), Buffer.from([0x61, 0xff]), Buffer.from('ä\nb')]
  for (const name of names) await writeFile(placeIn(deposit, name), 'x')
  const found: Buffer[] = []
  for await (const { raw } of walk(deposit, defaults.verify.maxPathBytes)) found.push(raw)
  assert.deepEqual(found.sort(Buffer.compare), names.sort(Buffer.compare))
})

test('a deposit that cannot be read is an error, not an empty deposit', async (t) => {
  const deposit = join(await makeProject(t), 'deposit')
  // A link to itself: also root cannot read that.
  await symlink('deposit', deposit)
  await assert.rejects(scan(deposit, defaults), { code: 'ELOOP' })
})
