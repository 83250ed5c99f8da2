import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults, ownInMain, pathsOf } from '../../src/config.ts'
import { readSettings } from '../../src/config-file.ts'
import { depositTrouble } from '../../src/config-folders.ts'
import { disk } from '../../src/system/disk.ts'
import { planFor, type Tree } from '../../src/update/verify.ts'
import { makeProject, writeTree } from '../harness/project.ts'

const settingsIn = async (text: string) => (await readSettings(text, 'supervisor.toml')).config

test('with main = "." there is no deposit, unless one is named', async () => {
  assert.deepEqual((await settingsIn('')).folders, { main: 'main', deposit: 'deposit' })
  assert.deepEqual((await settingsIn('[folders]\nmain = "."')).folders, { main: '.', deposit: '' })
  const both = await settingsIn('[folders]\nmain = "."\ndeposit = "in"')
  assert.deepEqual(both.folders, { main: '.', deposit: 'in' })
  assert.equal(pathsOf('/p', both.folders).deposit, '/p/in')
  assert.equal(pathsOf('/p', { main: 'a/b', deposit: '../in' }).main, '/p/a/b')
  assert.equal(pathsOf('/p', { main: 'a', deposit: '../in' }).deposit, '/in')
  assert.equal(pathsOf('/p', { main: '.', deposit: '' }).deposit, null)
})

for (const main of [
  '..',
  '../x',
  '/x',
  'a/../..',
  '',
  './',
  'a/',
  '.supervisor',
  'logs/x',
  '.git',
]) {
  test(`main = "${main}" is refused`, async () => {
    const wrong = settingsIn(`[folders]\nmain = "${main}"\n`)
    await assert.rejects(wrong, /:2: folders\.main: expected a path inside the project/)
  })
}

test('a deposit in main, or around it, is refused where it is written', async () => {
  const misplaced = [
    ['main', 'main', 'mixed'],
    ['main', 'main/in', 'mixed'],
    ['main', '.', 'mixed'],
    ['main', '..', 'mixed'],
    ['a/b', 'a', 'mixed'],
    ['.', '.', 'mixed'],
    ['main', '/srv/garage/main/in', 'mixed'],
    ['.', '.git/in', 'taken'],
    ['main', '.supervisor', 'taken'],
  ] as const
  for (const [main, deposit, trouble] of misplaced) {
    assert.equal(depositTrouble({ main, deposit }, '/srv/garage'), trouble, `${main} ${deposit}`)
  }
  const fine = [
    ['main', 'deposit'],
    ['.', 'deposit'],
    ['main', '../main'],
    ['main', '/main'],
    ['main', 'mainly'],
  ] as const
  for (const [main, deposit] of fine) {
    assert.equal(depositTrouble({ main, deposit }, '/srv/garage'), null, `${main} ${deposit}`)
  }
  const wrong = settingsIn('[folders]\nmain = "app"\ndeposit = "app/in"\n')
  await assert.rejects(wrong, /:3: folders\.deposit: deposit must lie beside main/)
})

test('what is ours in main is no release of anybody; all else beside it is', async (t) => {
  const folders = { main: '.', deposit: 'a/in' }
  const dir = await makeProject(t)
  await writeTree(dir, { 'main.py': '', 'logs/x': '', 'a/in/x': '', 'b/c': '' })
  const site = { paths: pathsOf(dir, folders), config: defaults, disk }
  assert.deepEqual(ownInMain(site.paths), ['.supervisor', 'logs', 'supervisor.toml', 'a/in'])
  assert.deepEqual(ownInMain(pathsOf(dir)), [])
  const refusalOf = async (...paths: readonly string[]) => {
    const found = await planFor(treeOf(paths), { files: 1, bytes: 1, from: 'deposit' }, site)
    return 'refused' in found ? found.refused : found.plan.steps.map(({ path }) => path).join()
  }
  assert.match(await refusalOf('logs/y'), /^logs: this is ota-supervisor's own/)
  assert.match(await refusalOf('a/in/y'), /^a\/in: this is ota-supervisor's own/)
  assert.match(await refusalOf('supervisor.toml'), /^supervisor\.toml: these are the settings/)
  assert.match(await refusalOf('.wh.supervisor.toml'), /no release may bring or delete it/)
  assert.match(await refusalOf('.wh.a'), /no release may bring or delete it/)
  for (const gits of ['.git/config', '.git', '.wh..git']) {
    assert.match(await refusalOf(gits), /^\.git: this is git's own .*no release may bring/)
  }
  assert.equal(await refusalOf('a/other', 'b/logs', 'logs.py'), 'a/other,b/logs,logs.py')
  // All of main: but not what is ours.
  assert.equal(await refusalOf('.wh..wh..opq', 'main.py'), 'b,main.py,main.py')
})

/** Empty files of these paths. */
function treeOf(paths: readonly string[]): Tree {
  return {
    kind: (path) => {
      if (paths.includes(path)) return 'file'
      return paths.some((one) => one.startsWith(`${path}/`)) ? 'dir' : null
    },
    list: (folder) => {
      const below = folder === '' ? paths : paths.filter((one) => one.startsWith(`${folder}/`))
      const skip = folder === '' ? 0 : folder.length + 1
      return [...new Set(below.map((one) => one.slice(skip).split('/')[0] ?? ''))]
    },
  }
}
