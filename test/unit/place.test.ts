import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DepositSite } from '../../src/config.ts'
import { giveBack } from '../../src/source/deposit/claim.ts'
import { openPlacing } from '../../src/source/deposit/place.ts'
import { walk } from '../../src/source/deposit/scan.ts'
import { type Disk, disk } from '../../src/system/disk.ts'
import { pathOfSafeName, safeName } from '../../src/system/safe-name.ts'
import { readTree } from '../harness/project.ts'
import { makeSite } from '../harness/site.ts'
import { makeFolder } from '../harness/tools.ts'

test('a safe name tells the path, or its end', () => {
  for (const path of ['a:b.py', 'dir/what? %41', 'ends.', ' ', 'ä\n', '-~x', '1-2']) {
    const name = safeName(Buffer.from(path), 7)
    assert.match(name, /^7-[A-Za-z0-9_.%-]+$/)
    assert.doesNotMatch(name, /\.$/)
    assert.equal(pathOfSafeName(name), path)
  }
  const long = safeName(Buffer.from(`${'ä/'.repeat(100)}end.py`), 1)
  assert.ok(long.length < 143, long)
  assert.match(pathOfSafeName(long), /^….*ä\/end\.py$/)
  assert.equal(pathOfSafeName(safeName(Buffer.from([0x61, 0xff]), 1)), 'a\ufffd')
})

/** A disk that says no, as a file system does, to names under a folder. */
function pickyDisk(under: string, code: string, isRefused: (path: string) => boolean): Disk {
  const check = (path: string | Buffer) => {
    if (`${path}`.startsWith(under) && isRefused(`${path}`)) {
      throw Object.assign(new Error(`${code}: ${path}`), { code })
    }
  }
  return {
    ...disk,
    makeDir(path) {
      check(path)
      disk.makeDir(path)
    },
    async move(from, to) {
      check(to)
      await disk.move(from, to)
    },
  }
}

async function placeAll(site: DepositSite, staging: string): Promise<void> {
  const place = openPlacing(staging, site)
  for await (const entry of walk(site.paths.deposit, 1000)) await place(entry)
}

async function siteWith(t: TestContext, paths: readonly string[]) {
  const site = await makeSite(t)
  for (const path of paths) {
    mkdirSync(join(site.paths.deposit, path, '..'), { recursive: true })
    writeFileSync(join(site.paths.deposit, path), path)
  }
  const staging = join(site.paths.releases, 'r1/staging')
  mkdirSync(staging, { recursive: true })
  return { site, staging }
}

for (const code of ['EINVAL', 'EILSEQ', 'ENAMETOOLONG']) {
  test(`what cannot be held by its name comes along under another: ${code}`, async (t) => {
    const { site, staging } = await siteWith(t, ['ok/a.py', 'b:c', 'd:e/f', 'd:e/g/h'])
    const picky = pickyDisk(staging, code, (path) => path.includes(':'))
    await placeAll({ ...site, disk: picky }, staging)
    assert.deepEqual(await readTree(staging), {
      '.supervisor/unholdable/1-b%3Ac': 'b:c',
      '.supervisor/unholdable/3-d%3Ae%2Ff': 'd:e/f',
      '.supervisor/unholdable/5-d%3Ae%2Fg%2Fh': 'd:e/g/h',
      'ok/a.py': 'ok/a.py',
    })
    assert.deepEqual(await readTree(site.paths.deposit), {})
  })
}

test('a disk that says the same of every name is no matter of names', async (t) => {
  const { site, staging } = await siteWith(t, ['a.py'])
  const picky = pickyDisk(staging, 'EINVAL', () => true)
  await assert.rejects(placeAll({ ...site, disk: picky }, staging), { code: 'EINVAL' })
  assert.deepEqual(await readTree(site.paths.deposit), { 'a.py': 'a.py' })
})

test('nothing is given back through a link in the place of the deposit', async (t) => {
  const { site, staging } = await siteWith(t, [])
  const elsewhere = await makeFolder(t)
  writeFileSync(join(staging, 'main.py'), '')
  rmdirSync(site.paths.deposit)
  symlinkSync(elsewhere, site.paths.deposit)
  await assert.rejects(giveBack(staging, site), { code: 'ENOTDIR' })
  assert.deepEqual(await readTree(staging), { 'main.py': '' })
  unlinkSync(site.paths.deposit)
  await giveBack(staging, site)
  assert.deepEqual(await readTree(site.paths.deposit), { 'main.py': '' })
})
