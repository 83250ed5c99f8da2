import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { findInterpreter, type Interpreter } from '../../src/python/interpreter.ts'
import { type Unpacked, unpackArchive } from '../../src/python/unpack.ts'
import { cleanEnvironment } from '../harness/daemon.ts'
import { readTree, type Tree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

let python: Interpreter
before(async () => {
  python = await findInterpreter()
})

/** Something of everything: text that packs well, bytes that do not, an empty file, deep folders. */
const tree: Tree = {
  'main.py': 'print("hello")\n'.repeat(50),
  'lib/__init__.py': '',
  'lib/deep/er/data.csv': Array.from({ length: 3_000 }, (_, i) => (i * 7919) % 10_007).join(),
  'with space/ünïcödé.txt': 'ü',
  'run.sh': '#!/bin/sh\n',
}

const pack = `
import os, shutil, stat, sys
kind, target, root = sys.argv[1:]
os.chmod(os.path.join(root, 'run.sh'), 0o755)
print(shutil.make_archive(target, kind, root))
`

/** Packs the tree with Python's own packer; the answer is where the archive is. */
async function packed(dir: string, kind: 'zip' | 'gztar', name: string): Promise<string> {
  await writeTree(join(dir, 'tree'), tree)
  const args = ['-c', pack, kind, join(dir, 'packed'), join(dir, 'tree')]
  const made = execFileSync(python.path, args, { env: cleanEnvironment(), encoding: 'utf8' }).trim()
  const archive = join(dir, name)
  await writeFile(archive, readFileSync(made))
  return archive
}

const never = new AbortController().signal

/** Unpacks into an empty folder `out` beside it. */
async function unpack(archive: string): Promise<Unpacked> {
  const out = join(archive, '../out')
  await rm(out, { recursive: true, force: true })
  await mkdir(out)
  return unpackArchive(archive, out, defaults.verify, python, never)
}

const kinds = { 'deposit.zip': 'zip', 'deposit.tar.gz': 'gztar', 'deposit.tgz': 'gztar' } as const

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name}: what was packed comes out, with the right to be run`, async (t) => {
    const dir = await makeFolder(t)
    const archive = await packed(dir, kind, name)
    const bytes = Buffer.byteLength(Object.values(tree).join(''))
    assert.deepEqual(await unpack(archive), { files: 5, bytes })
    assert.deepEqual(await readTree(join(dir, 'out')), tree)
    const mode = async (path: string) => (await stat(join(dir, 'out', path))).mode & 0o111
    assert.notEqual((await mode('run.sh')) & 0o100, 0)
    assert.equal(await mode('main.py'), 0)
  })

  test(`${name}: cut off anywhere, it is broken, and never taken`, async (t) => {
    const dir = await makeFolder(t)
    const archive = await packed(dir, kind, name)
    const whole = readFileSync(archive)
    const cuts = new Set([0, 1, 10, 20, 100])
    for (let back = 1; back <= 8; back += 1) cuts.add(whole.length - back)
    for (let part = 1; part < 8; part += 1) cuts.add(Math.floor((whole.length * part) / 8))
    for (const length of cuts) {
      await truncate(archive, length)
      const found = await unpack(archive)
      assert.ok('broken' in found, `cut at ${length} of ${whole.length}: ${JSON.stringify(found)}`)
      assert.match(found.broken, /\w/)
      await writeFile(archive, whole)
    }
    t.diagnostic(`${cuts.size} cuts of ${whole.length} bytes`)
  })

  test(`${name}: with a byte changed anywhere, it is never taken for another`, async (t) => {
    const dir = await makeFolder(t)
    const archive = await packed(dir, kind, name)
    const whole = readFileSync(archive)
    for (let part = 1; part < 24; part += 1) {
      const damaged = Buffer.from(whole)
      const at = Math.floor((whole.length * part) / 24)
      damaged[at] = (damaged[at] ?? 0) ^ 0x55
      await writeFile(archive, damaged)
      const found = await unpack(archive)
      // Not each bit of an archive means something; then what comes out is what was packed.
      if ('files' in found) assert.deepEqual(await readTree(join(dir, 'out')), tree, `byte ${at}`)
    }
  })
}

test('a text under the name of an archive is broken: the rest could still come', async (t) => {
  const dir = await makeFolder(t)
  for (const name of Object.keys(kinds)) {
    await writeFile(join(dir, name), 'no archive at all\n')
    assert.ok('broken' in (await unpack(join(dir, name))), name)
  }
})

test('an unpacker that does not come to an end is an error, and nothing is taken', async (t) => {
  const dir = await makeFolder(t)
  const archive = await packed(dir, 'zip', 'deposit.zip')
  await mkdir(join(dir, 'out'))
  const limits = { ...defaults.verify, unpackMs: 1 }
  await assert.rejects(unpackArchive(archive, join(dir, 'out'), limits, python, never), {
    code: 'EUNPACK',
    message: /came no further for 1 ms; verify\.unpack in supervisor\.toml allows more$/,
  })
  assert.deepEqual(await readdir(join(dir, 'out')), [])
})

test('a name in an archive cannot look like a line of the log', async (t) => {
  const dir = await makeFolder(t)
  const archive = join(dir, 'deposit.zip')
  const forge = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    archive.writestr('a\\nr9: committed', 'x')
    archive.writestr('a\\nr9: committed/b', 'x')
`
  execFileSync(python.path, ['-c', forge, archive], { env: cleanEnvironment() })
  const found = await unpack(archive)
  assert.ok('refused' in found, JSON.stringify(found))
  assert.equal(found.refused, "'a\\nr9: committed' is a file and a folder in it")
})
