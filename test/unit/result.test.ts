import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { openResult } from '../../src/source/deposit/result.ts'
import { makeSite } from '../harness/site.ts'

const day = '2026-01-01 10:00:00'

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n')
}

test('the newest is first, a text of several lines keeps their order, and the next session goes on', async (t) => {
  const site = await makeSite(t)
  const path = join(site.paths.deposit, 'DEPOSIT-RESULT.txt')
  openResult(site, () => `${day}.1`).tell('first')
  openResult(site, () => `${day}.2`).tell('second\nand more')
  const [head, empty, ...lines] = linesOf(path)
  assert.match(head ?? '', /^ota-supervisor: what became of the uploads, newest first/)
  assert.equal(empty, '')
  assert.deepEqual(lines, [`${day}.2  second`, `${day}.2  and more`, `${day}.1  first`, ''])
  assert.deepEqual(readdirSync(site.paths.deposit), ['DEPOSIT-RESULT.txt'])
})

test('what is waited for stands above all, until it is another or nothing', async (t) => {
  const site = await makeSite(t)
  const path = join(site.paths.deposit, 'DEPOSIT-RESULT.txt')
  const { tell, waits } = openResult(site, () => day)
  const texts = () =>
    linesOf(path)
      .slice(2, -1)
      .map((line) => line.slice(day.length + 2))
  tell('r1 is in')
  waits('a is being written')
  waits('b is being written\nand two lines')
  tell('r1 is well')
  assert.deepEqual(texts(), ['b is being written', 'and two lines', 'r1 is well', 'r1 is in'])
  waits(null)
  assert.deepEqual(texts(), ['r1 is well', 'r1 is in'])
})

test('it has so many lines at most', async (t) => {
  const site = await makeSite(t, { deposit: { ...defaults.deposit, resultLines: 3 } })
  const { tell } = openResult(site, () => day)
  for (let number = 1; number <= 10; number += 1) tell(`text ${number}\nof two lines`)
  const lines = linesOf(join(site.paths.deposit, 'DEPOSIT-RESULT.txt')).slice(2, -1)
  assert.deepEqual(
    lines.map((line) => line.slice(day.length + 2)),
    ['text 10', 'of two lines', 'text 9'],
  )
})

test('without a name there is no such file', async (t) => {
  const site = await makeSite(t, { deposit: { ...defaults.deposit, resultFile: '' } })
  openResult(site, () => day).tell('text')
  assert.deepEqual(readdirSync(site.paths.deposit), [])
})

test('links, pipes and folders in its place are neither followed nor waited for', async (t) => {
  const site = await makeSite(t)
  const { deposit, project } = site.paths
  const precious = join(project, 'precious')
  await writeFile(precious, `${day}  a secret\n`)
  const path = join(deposit, 'DEPOSIT-RESULT.txt')
  const temporary = join(deposit, '.in.DEPOSIT-RESULT.txt')
  await symlink(precious, path)
  await symlink(precious, temporary)
  openResult(site, () => day).tell('one')
  assert.equal(readFileSync(precious, 'utf8'), `${day}  a secret\n`)
  assert.doesNotMatch(readFileSync(path, 'utf8'), /secret/)
  execFileSync('rm', [path])
  execFileSync('mkfifo', [path, temporary])
  openResult(site, () => day).tell('two')
  assert.match(readFileSync(path, 'utf8'), /two/)
  await mkdir(temporary)
  openResult(site, () => day).tell('three')
  assert.match(readFileSync(path, 'utf8'), /two/)
})

test('when the deposit has become a link, nothing is written where it leads', async (t) => {
  const site = await makeSite(t)
  const { deposit, project } = site.paths
  const elsewhere = join(project, 'elsewhere')
  await mkdir(elsewhere)
  const { tell } = openResult(site, () => day)
  renameSync(deposit, `${deposit}.old`)
  await symlink(elsewhere, deposit)
  tell('r1 is in')
  assert.deepEqual(readdirSync(elsewhere), [])
})
