import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { hintOf, messageOf } from '../../src/errors.ts'
import type { Wish } from '../../src/python/dependencies.ts'
import { askInterpreter, findInterpreter, type Interpreter } from '../../src/python/interpreter.ts'
import { openPackages, sweepPackages } from '../../src/python/packages.ts'
import { findPip } from '../../src/python/pip.ts'
import { noteUse, readUses } from '../../src/python/uses.ts'
import { asDaemon } from '../../src/python/worker.ts'
import { clock } from '../../src/system/clock.ts'
import { disk } from '../../src/system/disk.ts'
import { environmentFolders, wheelsOf } from '../harness/packages.ts'
import { writeTree } from '../harness/project.ts'
import { silent } from '../harness/silence.ts'
import { makeSite } from '../harness/site.ts'
import { makeFolder } from '../harness/tools.ts'

const widget = { name: 'widget', version: '1.0' }
const never = new AbortController().signal
/** A letter as an address. */
function name(letter: string): string {
  return letter.repeat(16)
}

function foldersIn(environments: string): string[] {
  const names = disk.list(environments).filter((one) => !one.endsWith('.json'))
  return names.map((one) => one.slice(0, 1)).sort()
}

/** A wish for the widget, whose wheel comes along. */
async function widgetWish(t: TestContext, digest = 'd'): Promise<Wish> {
  const folder = await makeFolder(t)
  const wheels = wheelsOf(widget)
  await writeTree(folder, wheels)
  const [path = ''] = Object.keys(wheels)
  const place = join(folder, path)
  return {
    from: 'gupfile',
    lines: [{ line: 1, name: 'widget', extras: '', version: '1.0', source: null }],
    requirements: [],
    files: [],
    carried: [{ path, place, print: disk.print(place) }],
    digest,
  }
}

async function packagesFor(
  t: TestContext,
  python: Interpreter,
  given: Partial<typeof defaults> = {},
) {
  const small = { ...defaults.python, minFreeBytes: 0, ...given.python }
  const site = await makeSite(t, { python: small })
  return { site, packages: openPackages(python, asDaemon, site, clock, never) }
}

test('without a pip of its own, Python uses the one it carries for virtual environments', async (t) => {
  const base = await findInterpreter()
  const folder = await makeFolder(t)
  execFileSync(base.path, ['-m', 'venv', '--without-pip', join(folder, 'bare')])
  const python = await askInterpreter(join(folder, 'bare/bin/python'))
  assert.ok('path' in python)
  const pip = await findPip(python)
  if (pip === null)
    return t.skip('needs the pip that Python carries: sudo apt install python3-venv')
  assert.match(pip, /pip-[\d.]+-py\S*\.whl\/pip$/)
  const { packages } = await packagesFor(t, python)
  const wish = await widgetWish(t)
  // Asked for twice at the same time, it is made once.
  const [one, other] = await Promise.all([
    packages.make(wish, () => undefined),
    packages.make(wish, () => undefined),
  ])
  assert.equal(one, other)
  assert.deepEqual(one.packages, ['widget 1.0'])
  const code = 'import widget; print(widget.VERSION)'
  assert.equal(execFileSync(one.python.path, ['-c', code], { encoding: 'utf8' }), '1.0\n')
  assert.deepEqual(await packages.find(wish), one)
})

test('a machine without any pip says what to install, and nothing is left behind', async (t) => {
  const real = await findInterpreter()
  const script = join(await makeFolder(t), 'python3')
  // Another Python in all but this: it finds no pip.
  writeFileSync(
    script,
    `#!/bin/sh\ncase "$*" in *ensurepip*) echo null ;; *) exec ${real.path} "$@" ;; esac\n`,
  )
  chmodSync(script, 0o755)
  const { site, packages } = await packagesFor(t, { ...real, path: script })
  const failure = await packages.make(await widgetWish(t), () => undefined).catch((e: unknown) => e)
  assert.match(messageOf(failure), /there is no pip on this machine/)
  assert.match(hintOf(failure) ?? '', /sudo apt install python3-venv/)
  assert.deepEqual(environmentFolders(site.paths.project), [])
})

test('what has no mark is removed at the start, what has one stays', async (t) => {
  const site = await makeSite(t)
  const { environments } = site.paths
  await writeTree(environments, {
    [`${name('a')}/bin/python`]: '',
    [`${name('b')}/bin/python`]: '',
    [`${name('b')}.json`]: `{"address": "${name('b')}"}`,
    [`${name('b')}.input/x`]: '',
    [`${name('c')}.gone/bin/python`]: '',
    [`${name('d')}.commits.json`]: '{}',
  })
  await sweepPackages(site, silent)
  assert.deepEqual(disk.list(environments).sort(), [
    name('b'),
    `${name('b')}.json`,
    `${name('d')}.commits.json`,
  ])
})

test('environments are collected within the budget: not those of releases that can be gone back to', async (t) => {
  const keepBytes = 250
  const { site, packages } = await packagesFor(t, await findInterpreter(), {
    python: { ...defaults.python, keepBytes },
  })
  const { environments } = site.paths
  for (const [index, address] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    const at = `2026-01-0${index + 1}`
    const mark = JSON.stringify({ address: name(address), bytes: 100, at })
    await writeTree(environments, { [`${name(address)}.json`]: mark, [`${name(address)}/x`]: '' })
  }
  await noteUse({ since: 'r1', address: name('a') }, site)
  await noteUse({ since: 'r2', address: name('b') }, site)
  await noteUse({ since: 'r3', address: name('b') }, site)
  assert.deepEqual(
    (await readUses(site)).map(({ since }) => since),
    ['r1', 'r2'],
  )
  await packages.collect('r2')
  assert.deepEqual(foldersIn(environments), ['a', 'b'])
  await noteUse({ since: 'r4', address: null }, site)
  await packages.collect(null)
  // `b` was in use before; nothing else is needed, and there is room for one more.
  assert.deepEqual(foldersIn(environments), ['a', 'b'])
})

test('what sources came to is forgotten when there is too much of it, the oldest first', async (t) => {
  const { site, packages } = await packagesFor(t, await findInterpreter())
  const { environments } = site.paths
  const many = Object.fromEntries(
    Array.from({ length: 205 }, (_, n) => [`${n}.commits.json`, '{}']),
  )
  await writeTree(environments, many)
  utimesSync(join(environments, '204.commits.json'), 1, 1)
  await packages.collect(null)
  assert.equal(disk.list(environments).length, 200)
  assert.ok(
    existsSync(join(environments, '204.commits.json')),
    'the time that nobody can set counts',
  )
})
